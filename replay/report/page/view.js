"use strict";
// The view: what the reader has asked for. The fragment of the address keeps it, so that a finding
// can be linked.

/** Causes with their words, shapes and colours; colours also tell apart for the colour-blind. */
const CAUSES = /** @type {Record<string, { words: string, shape: string, colour: string }>} */ ({
    exited: { words: "exited", shape: "circle", colour: "--exited" },
    signalled: { words: "signalled", shape: "up", colour: "--signalled" },
    oom_killed: { words: "out of memory", shape: "diamond", colour: "--oom" },
    killed_by_runtime: { words: "killed by runtime", shape: "down", colour: "--runtime" },
    cgroup_killed: { words: "cgroup killed", shape: "square", colour: "--cgroup" },
    host_shutdown: { words: "host shutdown", shape: "bar", colour: "--shutdown" },
    start_failed: { words: "start failed", shape: "cross", colour: "--failed" },
    never_started: { words: "never started", shape: "plus", colour: "--failed" },
    unknown: { words: "not known", shape: "ring", colour: "--unknown" },
    alive: { words: "no end seen", shape: "arrow", colour: "--alive" },
});

const GROUPS = /** @type {Record<string, string>} */ ({ host: "host", pod: "pod", runtime: "engine", image: "image" });

class View {
    /** @param {CaseReport} report */
    constructor(report) {
        this.report = report;
        this.search = "";
        this.group = report.contents.cases.length > 1 ? "host" : "runtime";
        /** @type {Set<string>} Causes that are hidden. */
        this.hidden = new Set();
        this.onlySuspects = false;
        this.from = report.start;
        this.to = report.end;
        /** @type {number | null} Number of the open life. */
        this.open = null;
        this.fit();
    }

    /** Shows all of the time. */
    fit() {
        const { start, end } = this.report;
        const margin = Math.max((end - start) * 0.02, 1);
        this.from = start - margin;
        this.to = end + margin;
        this.isWhole = true;
    }

    /**
     * Shows a stretch of time.
     * @param {number} from
     * @param {number} to
     */
    show(from, to) {
        const { start, end } = this.report;
        const widest = Math.max((end - start) * 1.2, 2);
        const width = Math.min(Math.max(to - from, 0.05), widest);
        const middle = Math.min(Math.max((from + to) / 2, start), end);
        this.from = middle - width / 2;
        this.to = middle + width / 2;
        this.isWhole = false;
    }

    /** Reads the fragment of the address. What makes no sense is left out. */
    readFragment() {
        const asked = new URLSearchParams(location.hash.slice(1));
        this.search = asked.get("q") ?? "";
        const group = asked.get("group") ?? "";
        if (Object.hasOwn(GROUPS, group)) this.group = group;
        this.hidden = new Set((asked.get("hide") ?? "").split(",").filter((cause) => Object.hasOwn(CAUSES, cause)));
        this.onlySuspects = asked.get("look") === "1";
        const [from, to] = [Number(asked.get("from") ?? NaN), Number(asked.get("to") ?? NaN)];
        if (from < to) this.show(from, to);
        else this.fit();
        const open = Number(asked.get("life") ?? NaN);
        this.open = Number.isInteger(open) && open >= 0 && open < this.report.lives.length ? open : null;
    }

    writeFragment() {
        const kept = new URLSearchParams();
        if (this.search !== "") kept.set("q", this.search);
        kept.set("group", this.group);
        if (this.hidden.size > 0) kept.set("hide", [...this.hidden].join(","));
        if (this.onlySuspects) kept.set("look", "1");
        if (!this.isWhole) {
            kept.set("from", this.from.toFixed(3));
            kept.set("to", this.to.toFixed(3));
        }
        if (this.open !== null) kept.set("life", String(this.open));
        history.replaceState(null, "", `#${kept}`);
    }

    /**
     * Returns the lives that the search leaves, whatever their cause.
     * @returns {Life[]}
     */
    found() {
        const words = this.search.toLowerCase().split(/\s+/).filter((word) => word !== "");
        const { lives, contents } = this.report;
        return lives.filter((life) =>
            words.every((word) => life.words.includes(word)) && (!this.onlySuspects || contents.triage[life.number] !== undefined));
    }
}
