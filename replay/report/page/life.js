"use strict";
// The panel of one life: its story, its facts, and what others said of it.

const PARTS = /** @type {Record<string, string>} */ ({
    identity: "Who", life: "Lived", order: "Order", end: "Ended", others: "Others",
});

/**
 * Returns the end of a life in a few words.
 * @param {CaseReport} report
 * @param {Life} life
 * @returns {string}
 */
function endWords(report, life) {
    const signal = report.ending(life, "exit_signal");
    const code = report.ending(life, "exit_code");
    const words = (CAUSES[life.cause] ?? CAUSES.unknown).words;
    if (code !== null) return `${words} with code ${code}`;
    return signal === null ? words : `${words} (signal ${signal})`;
}

/**
 * Returns a task in words, or null.
 * @param {CaseReport} report
 * @param {Life} life
 * @param {string} prefix
 * @param {string[]} tables
 * @returns {string | null}
 */
function taskWords(report, life, prefix, tables) {
    const comm = report.fact(life, `${prefix}_comm`, tables);
    if (comm === null) return null;
    const uid = report.fact(life, `${prefix}_uid`, tables);
    return `${comm}[${report.fact(life, `${prefix}_pid`, tables)}]${uid === null ? "" : ` uid ${uid}`}`;
}

/**
 * Returns the facts of a life, each with its words; those that are not known are left out.
 * @param {CaseReport} report
 * @param {Life} life
 * @returns {[string, string][]}
 */
function lifeFacts(report, life) {
    const fact = (/** @type {string} */ column) => report.fact(life, column);
    const ending = (/** @type {string} */ column) => report.ending(life, column);
    const at = (/** @type {any} */ time) => (time === null ? null : `${utc(time)} · local ${local(time)}`);
    const with_ = (/** @type {any} */ value, /** @type {(value: number) => string} */ words) => (typeof value === "number" ? words(value) : value);
    const pod = fact("pod_name");
    const killed = ending("killed_by_comm");
    const from = ending("killed_by_container_id");
    const facts = /** @type {[string, any][]} */ ([
        ["container", life.id],
        ["name", fact("container_name")],
        ["image", fact("image_name")],
        ["pod", pod === null ? null : `${fact("pod_namespace") ?? "?"}/${pod}`],
        ["engine", fact("runtime")],
        ["OCI runtime", fact("oci_runtime")],
        ["known by", fact("identified_by")],
        ["created", life.isOlder ? at(ending("created_at")) ?? "before the record begins, or not seen" : at(report.fact(life, "ts", ["container_create"]))],
        ["exited", at(report.fact(life, "ts", ["container_exit"]))],
        ["removed", at(report.fact(life, "ts", ["container_remove"]))],
        ["lived", with_(report.fact(life, "lifetime_ns", ["container_exit"]), duration)],
        ["clock", report.contents.cases[life.case].clock],
        ["cause", life.cause === "alive" ? "no end seen" : life.cause],
        ["exit code", ending("exit_code")],
        ["signal", ending("exit_signal")],
        ["signal from", ending("signal_origin")],
        ["killed by", killed === null ? null : `${taskWords(report, life, "killed_by", END_TABLES)}${from === null ? "" : `, in container ${from}`}`],
        ["removed by", taskWords(report, life, "removed_by", ["container_remove"])],
        ["reported", ending("reported_exit_code") === null ? null : `exit code ${ending("reported_exit_code")} by ${ending("reported_by")}`],
        ["OOM limit of", ending("oom_limit_cgroup_path")],
        ["CPU time", with_(ending("cpu_usage_ns"), duration)],
        ["throttled", with_(ending("cpu_throttled_ns"), (ns) => (ns === 0 ? "never" : duration(ns)))],
        ["memory peak", with_(ending("memory_peak_bytes"), byteSize)],
        ["tasks, most", ending("pids_peak")],
        ["OOM kills", ending("oom_kills")],
        ["seen in part", ending("inferred") === true || ending("after_gap") === true ? "yes: events were lost, or the end was not seen" : null],
        ["cgroup", fact("cgroup_path")],
        ["decided by record", ["container_create", "container_exit", "container_remove"]
            .map((table) => report.fact(life, "seq", [table])).filter((seq) => seq !== null).join(", ")],
    ]);
    return facts.filter(([, value]) => value !== null && value !== "").map(([name, value]) => [name, String(value)]);
}

/**
 * Makes the panel of a life.
 * @param {CaseReport} report
 * @param {Life} life
 * @returns {HTMLElement}
 */
function lifePanel(report, life) {
    const story = report.contents.stories[life.number];
    const place = report.contents.cases[life.case];
    const panel = make("article", {});
    panel.append(make("p", { class: "kicker" }, `${place.host} · life of ${life.label}`));
    const heading = make("h2", { id: "life-heading", tabindex: "-1" });
    heading.append(badge(life.cause), make("span", {}, story?.headline ?? endWords(report, life)));
    panel.append(heading);
    const reasons = report.contents.triage[life.number];
    if (reasons !== undefined) {
        panel.append(make("p", { class: "reasons" }, `Wants a second look: ${reasons.join(", ").replaceAll("_", " ")}`));
    }
    for (const section of story?.sections ?? []) {
        const list = make("ul", { class: "story" });
        for (const sentence of section.sentences) {
            const item = make("li");
            if (sentence.at !== null) {
                const at = instant(sentence.at);
                item.append(make("time", { datetime: sentence.at, title: `${utc(at)}, local ${local(at)}` }, utc(at, 3).slice(11, -1)));
            }
            item.append(make("span", { dir: "auto" }, sentence.text));
            if (sentence.records.length > 0) item.append(make("span", { class: "records" }, ` [${sentence.records.join(", ")}]`));
            list.append(item);
        }
        panel.append(make("h3", {}, PARTS[section.part] ?? section.part), list);
    }
    if (story === undefined) {
        panel.append(make("p", { class: "note" }, "The page tells the facts of this life. Its story is told by:"));
    } else {
        story.commands.forEach((command, number) => panel.append(make("p", { class: "command" }, `command ${number + 1}: ${command}`)));
    }
    appendLists(report, life, panel);
    const facts = make("dl");
    for (const [name, value] of lifeFacts(report, life)) facts.append(make("dt", {}, name), make("dd", { "data-fact": name }, value));
    panel.append(make("h3", {}, "Facts"), facts);
    panel.append(make("h3", {}, "Again, with the records"), make("pre", { tabindex: "0" }, `obit-replay explain ${quoted(place.path)} ${quoted(life.id)} --records`));
    return panel;
}

/**
 * Adds signals, the chain of the order, conflicts and disagreements where the story does not have them.
 * @param {CaseReport} report
 * @param {Life} life
 * @param {HTMLElement} panel
 */
function appendLists(report, life, panel) {
    const lists = /** @type {[string, string[]][]} */ ([["Claims that contradict its identity", report.fact(life, "conflicts") ?? []]]);
    if (report.contents.stories[life.number] === undefined) {
        lists.push(["Signals to its init", report.ending(life, "signals") ?? []], ["Order", report.ending(life, "requested_by") ?? []]);
    }
    const table = report.tables["disagreement"];
    lists.push(["Disagreements", (life.rows["disagreement"] ?? []).map((row) => {
        const value = (/** @type {string} */ side) => {
            const at = table.value(`${side}_at`, row);
            return `${table.value(`${side}_by`, row)} says ${table.value(`${side}_value`, row) ?? (at === null ? "nothing" : utc(at))}`;
        };
        return `${table.value("aspect", row)}: ${value("said")}, ${value("other")} [${table.value("seq", row)}]`;
    })]);
    for (const [name, values] of lists) {
        if (values.length === 0) continue;
        const list = make("ul", {});
        values.forEach((value) => list.append(make("li", { dir: "auto" }, typeof value === "string" ? value : JSON.stringify(value))));
        panel.append(make("h3", {}, name), list);
    }
}

/**
 * Quotes an argument for a shell.
 * @param {string} text
 */
function quoted(text) {
    return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Makes the shape of a cause, as the time line draws it.
 * @param {string} cause
 * @returns {HTMLCanvasElement}
 */
function badge(cause) {
    const canvas = /** @type {HTMLCanvasElement} */ (make("canvas", { class: "badge", width: "32", height: "32", "aria-hidden": "true" }));
    canvas.dataset.cause = cause;
    paintBadge(canvas);
    return canvas;
}

/** @param {HTMLCanvasElement} canvas */
function paintBadge(canvas) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const known = CAUSES[canvas.dataset.cause ?? ""] ?? CAUSES.unknown;
    const colour = getComputedStyle(document.documentElement).getPropertyValue(known.colour).trim();
    context.setTransform(2, 0, 0, 2, 0, 0);
    context.clearRect(0, 0, 16, 16);
    context.fillStyle = colour;
    context.strokeStyle = colour;
    drawShape(context, known.shape, 8, 8, 5.4, true);
}
