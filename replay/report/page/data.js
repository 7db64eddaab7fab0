"use strict";
// The data of the page: gzip in base64, columns that replay/report/columns.rs has made, and the
// lives that they tell of.

/**
 * @typedef {{ text: (number | null)[] } | { time: { ms: (number | null)[], ns: number[] } }
 *     | { number: (number | string | null)[] } | { json: any[] }} PackedColumn
 * @typedef {{ life: number[], columns: Record<string, PackedColumn> }} PackedTable
 * @typedef {{ at: string | null, text: string, records: number[] }} Sentence
 * @typedef {{ headline: string, sections: { part: string, sentences: Sentence[] }[], commands: string[] }} Story
 * @typedef {{ from: string, to: string, lost: number, seq: number }} Gap
 * @typedef {{ at: string, step_ns: string, seq: number }} ClockStep
 * @typedef {{ path: string, host: string, case_id: string | null, boot_id: string | null, state: string, start: string,
 *     end: string, clock: string, gaps: Gap[], clock_steps: ClockStep[], problems: string[], verification: string, kept_rows: number }} PageCase
 * @typedef {{ program: string, command: string, cases: PageCase[], texts: string[], tables: Record<string, PackedTable>,
 *     lives: number, life_cases: number[], stories: Record<string, Story>, triage: Record<string, string[]> }} Contents
 */

/** Rows of a table, read by column and row. */
class Table {
    /**
     * @param {PackedTable} packed
     * @param {string[]} texts
     */
    constructor(packed, texts) {
        this.life = packed.life;
        this.texts = texts;
        /** @type {Record<string, PackedColumn>} */
        this.columns = packed.columns;
        for (const column of Object.values(packed.columns)) {
            if ("time" in column) addUp(column.time.ms);
            if ("number" in column) addUp(column.number);
        }
    }

    /**
     * Returns a value: a text, a number, an {@link Instant}, anything else as it is in JSON, or null.
     * @param {string} name
     * @param {number} row
     * @returns {any}
     */
    value(name, row) {
        const column = this.columns[name];
        if (column === undefined) return null;
        if ("text" in column) {
            const place = column.text[row];
            return place === null || place === undefined ? null : this.texts[place];
        }
        if ("time" in column) {
            const ms = column.time.ms[row];
            return ms === null || ms === undefined ? null : { ms, ns: column.time.ns[row] };
        }
        return ("number" in column ? column.number : column.json)[row] ?? null;
    }
}

/**
 * Turns differences back into values, in place. Absent values and texts are left out.
 * @param {(number | string | null)[]} values
 */
function addUp(values) {
    let last = 0;
    for (let place = 0; place < values.length; place += 1) {
        const value = values[place];
        if (typeof value === "number") {
            last += value;
            values[place] = last;
        }
    }
}

/** Tables whose rows tell of an end, the best one first. */
const END_TABLES = ["container_exit", "container_remove"];

/** One run of a container. */
class Life {
    /**
     * @param {number} number
     * @param {number} place Place of its case.
     */
    constructor(number, place) {
        this.number = number;
        this.case = place;
        /** @type {Record<string, number[]>} Rows by table. */
        this.rows = {};
        this.id = "";
        this.label = "";
        this.start = NaN;
        this.end = NaN;
        this.gone = NaN;
        this.cause = "alive";
        /** True if it exited with code 0. */
        this.isClean = false;
        /** True if its beginning was not seen. */
        this.isOlder = false;
        /** Words that a search looks through, in lower case. */
        this.words = "";
        this.group = "";
        this.lane = 0;
    }
}

/** Everything that the page shows. */
class CaseReport {
    /** @param {Contents} contents */
    constructor(contents) {
        this.contents = contents;
        /** @type {Record<string, Table>} */
        this.tables = {};
        this.lives = contents.life_cases.map((place, number) => new Life(number, place));
        for (const [name, packed] of Object.entries(contents.tables)) {
            const table = new Table(packed, contents.texts);
            this.tables[name] = table;
            table.life.forEach((number, row) => (this.lives[number].rows[name] ??= []).push(row));
        }
        this.spans = contents.cases.map((one) => ({ start: instant(one.start).ms, end: instant(one.end).ms }));
        this.lives.forEach((life) => this.complete(life));
        const starts = this.lives.map((life) => life.start).concat(this.spans.map((span) => span.start));
        const ends = this.lives.map((life) => life.gone).concat(this.spans.map((span) => span.end));
        this.start = starts.reduce((a, b) => Math.min(a, b), Infinity);
        this.end = ends.reduce((a, b) => Math.max(a, b), -Infinity);
    }

    /**
     * Returns a value of the first row of a life, among some tables, that has one.
     * @param {Life} life
     * @param {string} column
     * @param {string[]} tables
     * @returns {any}
     */
    fact(life, column, tables = ["container_exit", "container_remove", "existing_container", "container_create", "disagreement"]) {
        for (const table of tables) {
            const rows = life.rows[table];
            const value = rows === undefined ? null : this.tables[table].value(column, rows[rows.length - 1]);
            if (value !== null) return value;
        }
        return null;
    }

    /**
     * Returns what ended a life: of its exit or, if it has none, of its removal.
     * @param {Life} life
     * @param {string} column
     * @returns {any}
     */
    ending(life, column) {
        const table = END_TABLES.find((one) => life.rows[one] !== undefined);
        return table === undefined ? null : this.fact(life, column, [table]);
    }

    /** @param {Life} life */
    complete(life) {
        const span = this.spans[life.case];
        life.id = this.fact(life, "container_id") ?? "";
        const name = this.fact(life, "container_name");
        const pod = this.fact(life, "pod_name");
        life.label = printable(name ?? pod ?? (/^[0-9a-f]{64}$/.test(life.id) ? life.id.slice(0, 12) : life.id));
        const seen = this.fact(life, "ts", ["container_create"]) ?? this.ending(life, "created_at");
        life.isOlder = life.rows["container_create"] === undefined;
        life.start = seen?.ms ?? span.start;
        const exit = this.fact(life, "ts", ["container_exit"]);
        const removal = this.fact(life, "ts", ["container_remove"]);
        life.end = exit?.ms ?? removal?.ms ?? span.end;
        life.gone = Math.max(life.end, removal?.ms ?? life.end);
        life.start = Math.min(life.start, life.end);
        life.cause = this.ending(life, "cause") ?? "alive";
        life.isClean = this.ending(life, "exit_code") === 0;
        const image = this.fact(life, "image_name");
        const namespace = this.fact(life, "pod_namespace");
        const killer = this.ending(life, "killed_by_comm");
        const words = [life.id, name, pod, namespace, image, this.fact(life, "runtime"), life.cause, killer, this.contents.cases[life.case].host];
        life.words = words.filter((word) => word !== null).join("\n").toLowerCase();
    }
}

/**
 * Reads the data of the page.
 * @returns {Promise<CaseReport>}
 */
async function readReport() {
    const text = byId("data").textContent ?? "";
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let place = 0; place < bytes.length; place += 1) bytes[place] = binary.charCodeAt(place);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const contents = /** @type {Contents} */ (await new Response(stream).json());
    byId("data").remove();
    return new CaseReport(contents);
}
