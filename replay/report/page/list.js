"use strict";
// The list of lives, and the index: what ended of what, who killed, what restarted.

/** Rows of one page of the list. */
const LIST_ROWS = 100;

/**
 * Counts values, the most frequent first.
 * @param {(string | null)[]} values
 * @returns {[string, number][]}
 */
function counted(values) {
    const counts = new Map();
    for (const value of values) {
        if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/**
 * Makes the index of lives.
 * @param {CaseReport} report
 * @param {Life[]} lives
 * @param {(search: string) => void} onSearch
 * @returns {HTMLElement[]}
 */
function indexCards(report, lives, onSearch) {
    const ended = lives.filter((life) => life.cause !== "alive");
    const containers = counted(lives.map((life) => `${life.case} ${life.id}`)).filter(([, count]) => count > 1);
    const labels = new Map(lives.map((life) => [`${life.case} ${life.id}`, life.label]));
    const cards = /** @type {[string, [string, number][], boolean][]} */ ([
        ["Ended, by hour (UTC)", counted(ended.map((life) => `${new Date(life.end).toISOString().slice(0, 13)}:00`)).sort(([a], [b]) => (a < b ? -1 : 1)), false],
        ["Engines", counted(lives.map((life) => report.fact(life, "runtime"))), true],
        ["Who killed", counted(ended.map((life) => report.ending(life, "killed_by_comm"))), true],
        ["Restarted, lives", containers.map(([key, count]) => [labels.get(key) ?? key, count]), true],
        ["Second look", counted(lives.flatMap((life) => report.contents.triage[life.number] ?? [])).map(([name, count]) => [name.replaceAll("_", " "), count]), false],
    ]);
    return cards.filter(([, rows]) => rows.length > 0).map(([name, rows, isSearch]) => {
        const list = make("ul");
        const most = Math.max(...rows.map(([, count]) => count));
        for (const [value, count] of rows.slice(0, 6)) {
            const item = make("li");
            const meter = make("span", { class: "meter", "aria-hidden": "true" });
            meter.style.width = `${(count / most) * 100}%`;
            const label = printable(value);
            if (isSearch) {
                const button = make("button", { type: "button", class: "plain" }, shortened(label, 40));
                button.addEventListener("click", () => onSearch(value));
                item.append(button);
            } else item.append(make("span", {}, shortened(label, 40)));
            item.append(make("span", { class: "count" }, String(count)), meter);
            list.append(item);
        }
        if (rows.length > 6) list.append(make("li", { class: "more" }, `and ${rows.length - 6} more`));
        const card = make("section", { class: "card" }, make("h3", {}, name), list);
        return card;
    });
}

/** The list of lives, by pages. */
class LifeList {
    /**
     * @param {CaseReport} report
     * @param {(life: Life) => void} onOpen
     */
    constructor(report, onOpen) {
        this.report = report;
        this.onOpen = onOpen;
        /** @type {Life[]} */
        this.lives = [];
        this.page = 0;
        byId("list-before").addEventListener("click", () => this.turn(-1));
        byId("list-after").addEventListener("click", () => this.turn(1));
    }

    /** @param {Life[]} lives */
    setLives(lives) {
        this.lives = [...lives].sort((a, b) => a.end - b.end || a.number - b.number);
        this.page = 0;
        this.draw();
    }

    /** @param {number} by */
    turn(by) {
        this.page = Math.min(Math.max(this.page + by, 0), Math.max(Math.ceil(this.lives.length / LIST_ROWS) - 1, 0));
        this.draw();
    }

    draw() {
        const first = this.page * LIST_ROWS;
        const shown = this.lives.slice(first, first + LIST_ROWS);
        byId("list-rows").replaceChildren(...shown.map((life) => this.row(life)));
        const total = this.lives.length;
        byId("list-place").textContent = total === 0 ? "no life" : `${first + 1} to ${first + shown.length} of ${total.toLocaleString("en")} lives`;
        byId("list-before").toggleAttribute("disabled", first === 0);
        byId("list-after").toggleAttribute("disabled", first + LIST_ROWS >= total);
    }

    /** @param {Life} life */
    row(life) {
        const { report } = this;
        const exit = report.fact(life, "ts", ["container_exit"]) ?? report.fact(life, "ts", ["container_remove"]);
        const open = make("button", { type: "button", class: "plain" }, shortened(life.label, 48));
        open.addEventListener("click", () => this.onOpen(life));
        const lived = report.fact(life, "lifetime_ns", ["container_exit"]);
        const cause = make("td", {}, badge(life.cause), endWords(report, life));
        const killer = taskWords(report, life, "killed_by", END_TABLES);
        return make("tr", { "data-life": String(life.number) },
            make("td", { class: "time" }, exit === null ? "–" : utc(exit, 3).replace("T", " ")),
            make("th", { scope: "row" }, open),
            cause,
            make("td", {}, typeof lived === "number" ? duration(lived) : "–"),
            make("td", {}, killer === null ? "–" : shortened(printable(killer), 40)),
            make("td", { class: "wide" }, report.fact(life, "runtime") ?? "–"),
            make("td", { class: "wide" }, shortened(printable(report.fact(life, "image_name") ?? "–"), 48)),
            make("td", { class: "wide" }, report.contents.cases[life.case].host));
    }
}
