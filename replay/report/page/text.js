"use strict";
// Texts: values of a case as they may be shown, times, and the elements that hold them.

/** Characters that change how the text around them looks, or cannot be seen. */
const HAZARDS = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;

/**
 * Returns a text of a case with each hazard written as its number.
 * @param {unknown} value
 * @returns {string}
 */
function printable(value) {
    return String(value).replace(HAZARDS, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);
}

/**
 * Returns a text cut in its middle.
 * @param {string} text
 * @param {number} characters
 */
function shortened(text, characters) {
    const half = Math.floor((characters - 1) / 2);
    return text.length <= characters ? text : `${text.slice(0, half)}…${text.slice(-half)}`;
}

/**
 * Makes an element. Texts become text nodes, never markup.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElement}
 */
function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        element.setAttribute(name, value);
    }
    for (const child of children) {
        if (child !== null) element.append(typeof child === "string" ? printable(child) : child);
    }
    return element;
}

/**
 * Returns the element of the page with this id.
 * @param {string} id
 * @returns {HTMLElement}
 */
function byId(id) {
    const element = document.getElementById(id);
    if (element === null) throw new Error(`the page has no element ${id}`);
    return element;
}

/**
 * @typedef {object} Instant
 * @property {number} ms Milliseconds since 1970.
 * @property {number} ns Nanoseconds beyond them.
 */

/**
 * Returns a time in UTC, as obit writes it elsewhere.
 * @param {Instant} at
 * @param {number} digits Digits of the second, 0, 3 or 9.
 */
function utc(at, digits = 9) {
    const text = new Date(at.ms).toISOString();
    const whole = text.slice(0, text.lastIndexOf("."));
    const nanoseconds = String((((at.ms % 1000) + 1000) % 1000) * 1_000_000 + at.ns).padStart(9, "0");
    return `${whole}${digits > 0 ? `.${nanoseconds.slice(0, digits)}` : ""}Z`;
}

/**
 * Returns a time of the reader's own time zone, with its distance from UTC.
 * @param {Instant} at
 */
function local(at) {
    const date = new Date(at.ms);
    const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
    const minutes = -date.getTimezoneOffset();
    const zone = `${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
    return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds} ${zone}`;
}

/**
 * Reads a time as RFC 3339 has it.
 * @param {string} text
 * @returns {Instant}
 */
function instant(text) {
    const fraction = (/\.(\d+)/.exec(text)?.[1] ?? "").padEnd(9, "0");
    return { ms: Date.parse(text.replace(/\.\d+/, "")) + Number(fraction.slice(0, 3)), ns: Number(fraction.slice(3, 9)) };
}

/**
 * Returns a duration with about three digits.
 * @param {number} ns
 */
function duration(ns) {
    const units = /** @type {[string, number][]} */ ([["d", 864e11], ["h", 36e11], ["min", 6e10], ["s", 1e9], ["ms", 1e6], ["µs", 1e3]]);
    for (const [unit, size] of units) {
        if (ns >= size) return `${Number((ns / size).toPrecision(3))} ${unit}`;
    }
    return `${ns} ns`;
}

/**
 * Returns a number of bytes with about three digits.
 * @param {number} bytes
 */
function byteSize(bytes) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (bytes >= 1024 && unit < units.length - 1) {
        bytes /= 1024;
        unit += 1;
    }
    return `${Number(bytes.toPrecision(3))} ${units[unit]}`;
}
