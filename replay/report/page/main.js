"use strict";
// The page: its parts, and what the reader does with them.

class Page {
    /** @param {CaseReport} report */
    constructor(report) {
        this.report = report;
        this.view = new View(report);
        this.view.readFragment();
        this.list = new LifeList(report, (life) => this.openLife(life));
        this.timeline = new Timeline(report, this.view, { open: (life) => this.openLife(life), moved: () => this.view.writeFragment() });
        /** @type {HTMLElement | null} */
        this.opener = null;
        this.describe();
        this.listen();
        this.update();
        if (this.view.open !== null) this.showLife(this.report.lives[this.view.open]);
    }

    /** Says what the page is about. */
    describe() {
        const { contents, lives } = this.report;
        const hosts = [...new Set(contents.cases.map((one) => one.host))];
        byId("title").textContent = printable(hosts.length === 1 ? `Containers of ${hosts[0]}` : `Containers of ${hosts.length} hosts`);
        const span = `${utc({ ms: this.report.start, ns: 0 }, 0).replace("T", " ")} to ${utc({ ms: this.report.end, ns: 0 }, 0).replace("T", " ")}`;
        byId("span").textContent = `${lives.length.toLocaleString("en")} lives, ${span}`;
        for (const one of contents.cases) {
            const marks = [`clock: ${one.clock}`, one.state];
            if (one.gaps.length > 0) marks.push(`${one.gaps.length} gaps (shaded): ${one.gaps.reduce((sum, gap) => sum + gap.lost, 0)} events lost`);
            if (one.clock_steps.length > 0) marks.push(`the clock was set ${one.clock_steps.length} times (dashed)`);
            if (one.kept_rows > 0) marks.push(`${one.kept_rows} rows of dropped segments are in the case and not on this page`);
            const item = make("li", {}, make("strong", {}, one.host), ` ${one.path}, case ${one.case_id ?? "not known"}: ${marks.join("; ")}`);
            if (one.problems.length > 0) {
                const list = make("ul", { class: "problems" });
                one.problems.slice(0, 20).forEach((problem) => list.append(make("li", {}, problem)));
                item.append(list);
            }
            const verified = make("pre", { tabindex: "0" });
            verified.append(one.verification.split("\n").map(printable).join("\n"));
            item.append(make("p", {}, "obit-replay verify says:"), verified);
            byId("cases").append(item);
        }
        const told = Object.keys(contents.stories).length;
        byId("made").append(make("span", {}, `Made by obit-replay ${contents.program}; the same case and options make the same page: `), make("code", {}, contents.command),
            make("span", {}, told < lives.length ? ` Stories are told of ${told} lives, those that want a second look first; of the others the facts are here.` : ""));
        const select = /** @type {HTMLSelectElement} */ (byId("group"));
        for (const [value, words] of Object.entries(GROUPS)) select.append(make("option", { value }, words));
    }

    listen() {
        const { view } = this;
        const search = /** @type {HTMLInputElement} */ (byId("search"));
        let timer = 0;
        search.addEventListener("input", () => {
            clearTimeout(timer);
            timer = setTimeout(() => {
                view.search = search.value;
                this.update();
            }, this.report.lives.length > 5000 ? 200 : 0);
        });
        const group = /** @type {HTMLSelectElement} */ (byId("group"));
        group.addEventListener("change", () => {
            view.group = group.value;
            this.update();
        });
        byId("suspects").addEventListener("click", () => {
            view.onlySuspects = !view.onlySuspects;
            this.update();
        });
        byId("zoom-in").addEventListener("click", () => this.timeline.zoom(0.6));
        byId("zoom-out").addEventListener("click", () => this.timeline.zoom(1.6));
        byId("fit").addEventListener("click", () => this.timeline.fit());
        byId("print").addEventListener("click", () => window.print());
        byId("close").addEventListener("click", () => this.closeLife());
        document.addEventListener("keydown", (event) => {
            const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
            if (event.key === "Escape" && view.open !== null) this.closeLife();
            if (event.key === "/" && !isTyping) {
                event.preventDefault();
                search.focus();
            }
        });
        window.addEventListener("hashchange", () => {
            view.readFragment();
            this.update();
            if (view.open === null) this.closeLife();
            else this.showLife(this.report.lives[view.open]);
        });
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
            document.querySelectorAll("canvas.badge").forEach((canvas) => paintBadge(/** @type {HTMLCanvasElement} */ (canvas)));
        });
    }

    /** Shows what the view asks for. */
    update() {
        const { view, report } = this;
        const found = view.found();
        const shown = found.filter((life) => !view.hidden.has(life.cause));
        const { lanes, isPacked } = layOut(report, shown, view.group);
        /** @type {HTMLInputElement} */ (byId("search")).value = view.search;
        /** @type {HTMLSelectElement} */ (byId("group")).value = view.group;
        byId("suspects").setAttribute("aria-pressed", String(view.onlySuspects));
        this.timeline.setLanes(lanes);
        this.list.setLives(shown);
        const setSearch = (/** @type {string} */ words) => {
            view.search = words;
            this.update();
        };
        byId("index").replaceChildren(...indexCards(report, shown, setSearch));
        this.drawCauses(found);
        const how = isPacked ? `More than ${MAX_OWN_LANES} containers: several share a lane, and what falls on one pixel is drawn once.` : "A lane for each container.";
        byId("caption").textContent = `${how} A hollow circle is an exit with code 0; the thin line after an end lasts to the removal.${this.marks()} Drag to move, Ctrl and wheel or + and − to zoom, Shift and drag to choose a stretch.`;
        byId("status").textContent = `${shown.length.toLocaleString("en")} of ${report.lives.length.toLocaleString("en")} lives shown`;
        view.writeFragment();
    }

    /** Returns what the marks of gaps and clock steps mean, if there are any. */
    marks() {
        const { cases } = this.report.contents;
        const gaps = cases.some((one) => one.gaps.length > 0) ? " Shaded: events were lost." : "";
        return gaps + (cases.some((one) => one.clock_steps.length > 0) ? " Dashed: the clock was set." : "");
    }

    /** @param {Life[]} found */
    drawCauses(found) {
        const counts = new Map(counted(found.map((life) => life.cause)));
        const causes = byId("causes");
        const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.cause : undefined;
        const buttons = Object.keys(CAUSES).filter((cause) => counts.has(cause) || this.view.hidden.has(cause)).map((cause) => {
            const button = make("button", { type: "button", class: "chip", "aria-pressed": String(!this.view.hidden.has(cause)), "data-cause": cause },
                badge(cause), make("span", {}, CAUSES[cause].words), make("span", { class: "count" }, String(counts.get(cause) ?? 0)));
            button.addEventListener("click", () => {
                if (!this.view.hidden.delete(cause)) this.view.hidden.add(cause);
                this.update();
            });
            return button;
        });
        causes.replaceChildren(...buttons);
        buttons.find((button) => focused !== undefined && button.dataset.cause === focused)?.focus();
    }

    /** @param {Life} life */
    openLife(life) {
        this.opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
        this.showLife(life);
        byId("life-heading").focus();
    }

    /** @param {Life} life */
    showLife(life) {
        this.view.open = life.number;
        byId("life-body").replaceChildren(lifePanel(this.report, life));
        byId("life").hidden = false;
        document.body.classList.add("has-life");
        this.view.writeFragment();
        this.timeline.redraw();
    }

    closeLife() {
        this.view.open = null;
        byId("life").hidden = true;
        byId("life-body").replaceChildren();
        document.body.classList.remove("has-life");
        this.view.writeFragment();
        this.timeline.redraw();
        this.opener?.focus();
    }
}

readReport().then(
    (report) => {
        const page = new Page(report);
        // For tests and for the console of a browser.
        Object.assign(window, { obit: page });
        document.documentElement.dataset.ready = "true";
    },
    (error) => {
        byId("title").textContent = "This page cannot be shown";
        byId("span").textContent = `The browser cannot read its data (${printable(error)}). Chromium 80, Firefox 113, Safari 16.4 and newer can.`;
    },
);
