"use strict";
// Lanes: where each life stands. Lives of one container share a lane, lanes of one group stand
// together.

/** Most containers that get a lane each; more are packed, one after another in a lane. */
const MAX_OWN_LANES = 400;

/**
 * @typedef {object} Lane
 * @property {string | null} heading The group's name, for the row above its lanes.
 * @property {number} case Place of the case; of a heading -1.
 * @property {string} label The container's name; empty in a packed lane.
 * @property {Life[]} lives In the order in which they began.
 */

/**
 * Returns the group that a life is in.
 * @param {CaseReport} report
 * @param {Life} life
 * @param {string} by
 * @returns {string}
 */
function groupOf(report, life, by) {
    const pod = report.fact(life, "pod_name");
    switch (by) {
        case "host": return report.contents.cases[life.case].host;
        case "pod": return pod === null ? "no pod" : `${report.fact(life, "pod_namespace") ?? "?"}/${pod}`;
        case "image": return report.fact(life, "image_name") ?? "image not known";
        default: return report.fact(life, "runtime") ?? "engine not known";
    }
}

/**
 * Puts lives into lanes.
 * @param {CaseReport} report
 * @param {Life[]} lives
 * @param {string} by
 * @returns {{ lanes: Lane[], isPacked: boolean }}
 */
function layOut(report, lives, by) {
    /** @type {Map<string, Map<string, Life[]>>} Containers by group. */
    const groups = new Map();
    let total = 0;
    for (const life of lives) {
        const group = groupOf(report, life, by);
        const containers = groups.get(group) ?? new Map();
        groups.set(group, containers);
        const key = `${life.case} ${life.id}`;
        const same = containers.get(key);
        if (same === undefined) {
            containers.set(key, [life]);
            total += 1;
        } else same.push(life);
    }
    const isPacked = total > MAX_OWN_LANES;
    const space = (report.end - report.start) / 500;
    /** @type {Lane[]} */
    const lanes = [];
    for (const [group, containers] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
        lanes.push({ heading: printable(group), case: -1, label: "", lives: [] });
        const all = [...containers.values()];
        all.forEach((one) => one.sort((a, b) => a.start - b.start));
        all.sort((a, b) => a[0].start - b[0].start);
        /** @type {{ lane: Lane, free: number }[]} */
        const open = [];
        for (const one of all) {
            const until = one.reduce((last, life) => Math.max(last, life.gone), -Infinity);
            const fits = isPacked ? open.find(({ lane, free }) => lane.case === one[0].case && free < one[0].start) : undefined;
            if (fits === undefined) {
                const lane = { heading: null, case: one[0].case, label: isPacked ? "" : one[0].label, lives: [...one] };
                lanes.push(lane);
                open.push({ lane, free: until + space });
            } else {
                fits.lane.lives.push(...one);
                fits.free = until + space;
            }
        }
    }
    return { lanes, isPacked };
}
