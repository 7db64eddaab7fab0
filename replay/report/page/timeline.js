"use strict";
// The time line: a canvas over a list of lanes that scrolls. Only lanes in sight are drawn. The
// table below it has the same facts for those who do not see it.

/** Height of a lane and of the axis, in parts of the size of text. */
const LANE_EMS = 1.5;
const AXIS_EMS = 2;

/** Steps of the axis, in milliseconds. */
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5, 1728e5, 6048e5, 2592e6, 31536e6];

class Timeline {
    /**
     * @param {CaseReport} report
     * @param {View} view
     * @param {{ open: (life: Life) => void, moved: () => void }} on
     */
    constructor(report, view, on) {
        this.report = report;
        this.view = view;
        this.on = on;
        /** @type {Lane[]} */
        this.lanes = [];
        this.scroller = byId("scroller");
        this.canvas = /** @type {HTMLCanvasElement} */ (byId("canvas"));
        this.spacer = byId("spacer");
        /** @type {Record<string, string>} */
        this.colours = {};
        this.size = { em: 0, width: 0, height: 0, lane: 0, axis: 0, letter: 0, margin: 0 };
        this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
        this.isWaiting = false;
        /** @type {{ x: number, from: number, to: number, moved: boolean, brush: boolean, at: number } | null} */
        this.drag = null;
        /** Time that a frame took to draw, in milliseconds; tests read it. */
        this.frame = 0;
        this.gaps = report.contents.cases.map((one) => one.gaps.map((gap) => [instant(gap.from).ms, instant(gap.to).ms]));
        this.steps = report.contents.cases.map((one) => one.clock_steps.map((step) => instant(step.at).ms));
        this.measure();
        this.listen();
    }

    /** @param {Lane[]} lanes */
    setLanes(lanes) {
        this.lanes = lanes;
        this.spacer.style.height = `${this.size.axis + lanes.length * this.size.lane + 6}px`;
        this.redraw();
    }

    redraw() {
        if (this.isWaiting) return;
        this.isWaiting = true;
        requestAnimationFrame(() => {
            this.isWaiting = false;
            const before = performance.now();
            this.draw();
            this.frame = performance.now() - before;
        });
    }

    /** Reads sizes from the page. Asked for each life, they would take longer than the drawing. */
    measure() {
        const em = parseFloat(getComputedStyle(document.body).fontSize);
        const [width, height] = [this.scroller.clientWidth, this.scroller.clientHeight];
        this.size = {
            em, width, height,
            lane: Math.round(em * LANE_EMS),
            axis: Math.round(em * AXIS_EMS),
            letter: em * 0.53,
            // Columns left of the time, for names.
            margin: width < 560 ? 96 : Math.min(em * 16, width * 0.2),
        };
    }

    /** @param {number} ms */
    x(ms) {
        const { from, to } = this.view;
        return this.size.margin + ((ms - from) / (to - from)) * (this.size.width - this.size.margin - 12);
    }

    /** @param {number} x */
    time(x) {
        const { from, to } = this.view;
        return from + ((x - this.size.margin) / (this.size.width - this.size.margin - 12)) * (to - from);
    }

    draw() {
        this.measure();
        const { context, canvas } = this;
        const { width, height } = this.size;
        const scale = window.devicePixelRatio || 1;
        if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
            canvas.width = Math.round(width * scale);
            canvas.height = Math.round(height * scale);
            canvas.style.width = `${width}px`;
            canvas.style.height = `${height}px`;
        }
        const style = getComputedStyle(document.documentElement);
        const names = ["--page", "--ink", "--faint", "--line", "--gap", "--step", "--select", ...Object.values(CAUSES).map((one) => one.colour)];
        this.colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name).trim()]));
        context.setTransform(scale, 0, 0, scale, 0, 0);
        context.clearRect(0, 0, width, height);
        context.font = `${this.size.em * 0.86}px ${style.getPropertyValue("--mono")}`;
        context.textBaseline = "middle";
        const top = this.scroller.scrollTop;
        const first = Math.max(0, Math.floor(top / this.size.lane));
        const last = Math.min(this.lanes.length, first + Math.ceil(height / this.size.lane) + 1);
        this.drawGrid();
        for (let place = first; place < last; place += 1) {
            this.drawLane(this.lanes[place], this.size.axis + place * this.size.lane - top);
        }
        this.drawAxis();
        this.drawBrush();
    }

    step() {
        const room = (this.size.width - this.size.margin) / (this.size.letter * 15);
        return STEPS.find((step) => (this.view.to - this.view.from) / step <= room) ?? STEPS[STEPS.length - 1];
    }

    drawGrid() {
        const { context, view } = this;
        const step = this.step();
        context.strokeStyle = this.colours["--line"];
        context.lineWidth = 1;
        context.beginPath();
        for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
            const x = Math.round(this.x(at)) + 0.5;
            context.moveTo(x, this.size.axis);
            context.lineTo(x, this.size.height);
        }
        context.stroke();
    }

    drawAxis() {
        const { context, view } = this;
        const { width } = this.size;
        const step = this.step();
        context.fillStyle = this.colours["--page"];
        context.fillRect(0, 0, width, this.size.axis);
        context.strokeStyle = this.colours["--faint"];
        context.strokeRect(-1, -1, width + 2, this.size.axis);
        context.fillStyle = this.colours["--faint"];
        context.textAlign = "center";
        for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
            const text = utc({ ms: at, ns: 0 }, step < 1000 ? 3 : 0);
            const label = at % 864e5 === 0 ? text.slice(0, 10) : text.slice(11, -1);
            if (this.x(at) > this.size.margin + 20) context.fillText(label, this.x(at), this.size.axis / 2);
        }
        context.textAlign = "left";
        const middle = new Date(Math.max(view.from, this.report.start)).toISOString().slice(0, 10);
        context.fillStyle = this.colours["--ink"];
        context.fillText(width < 560 ? middle : `${middle} UTC`, 8, this.size.axis / 2);
    }

    /**
     * @param {Lane} lane
     * @param {number} y Its upper edge.
     */
    drawLane(lane, y) {
        const { context } = this;
        const { width, margin } = this.size;
        const middle = y + this.size.lane / 2;
        if (lane.heading !== null) {
            context.fillStyle = this.colours["--line"];
            context.fillRect(0, y, width, this.size.lane);
            context.fillStyle = this.colours["--ink"];
            context.fillText(shortened(lane.heading, Math.floor(width / this.size.letter / 1.1)), 8, middle);
            return;
        }
        this.drawMarks(lane, y);
        context.fillStyle = this.colours["--ink"];
        if (lane.label !== "") context.fillText(shortened(lane.label, Math.floor((margin - 12) / this.size.letter)), 8, middle);
        // What falls on one column of pixels and ends alike is drawn once.
        let drawnTo = -Infinity;
        let drawnCause = "";
        for (const life of lane.lives) {
            const [start, end, gone] = [this.x(life.start), this.x(life.end), this.x(life.gone)];
            if (gone < margin || start > width) continue;
            if (gone < drawnTo + 1 && life.cause === drawnCause && life.number !== this.view.open) continue;
            this.drawLife(life, start, end, gone, middle, lane.label === "");
            [drawnTo, drawnCause] = [gone, life.cause];
        }
    }

    /**
     * Shades gaps and marks clock steps of a lane's case.
     * @param {Lane} lane
     * @param {number} y
     */
    drawMarks(lane, y) {
        const { context } = this;
        const { width, margin } = this.size;
        context.fillStyle = this.colours["--gap"];
        for (const [from, to] of this.gaps[lane.case]) {
            const left = Math.max(this.x(from), margin);
            const right = Math.min(Math.max(this.x(to), left + 2), width);
            if (right > left) context.fillRect(left, y, right - left, this.size.lane);
        }
        context.strokeStyle = this.colours["--step"];
        context.lineWidth = 2;
        context.setLineDash([3, 3]);
        for (const at of this.steps[lane.case]) {
            const x = this.x(at);
            if (x < margin) continue;
            context.beginPath();
            context.moveTo(x, y);
            context.lineTo(x, y + this.size.lane);
            context.stroke();
        }
        context.setLineDash([]);
    }

    /**
     * @param {Life} life
     * @param {number} start
     * @param {number} end
     * @param {number} gone
     * @param {number} y
     * @param {boolean} hasName
     */
    drawLife(life, start, end, gone, y, hasName) {
        const { context } = this;
        const { width, margin } = this.size;
        const cause = CAUSES[life.cause] ?? CAUSES.unknown;
        const colour = this.colours[cause.colour];
        const [left, right] = [Math.max(start, margin), Math.min(end, width)];
        context.fillStyle = colour;
        context.strokeStyle = colour;
        if (right >= left) {
            context.globalAlpha = 0.45;
            context.fillRect(left, y - 4, Math.max(right - left, 1), 8);
            context.globalAlpha = 1;
            if (!life.isOlder && start >= margin) context.fillRect(start, y - 6, 2, 12);
        }
        // From the exit to the removal.
        context.lineWidth = 1;
        if (gone > end + 1 && gone > margin) context.fillRect(Math.max(end, margin), y - 0.5, gone - Math.max(end, margin), 1.5);
        if (end >= margin && end <= width + 8) drawShape(context, cause.shape, end, y, this.size.em * 0.36, !life.isClean);
        if (life.number === this.view.open) {
            context.strokeStyle = this.colours["--select"];
            context.lineWidth = 2;
            context.strokeRect(left - 4, y - 9, Math.max(Math.min(gone, width) - left, 2) + 14, 18);
        }
        if (hasName && right - left > 90) {
            context.fillStyle = this.colours["--ink"];
            context.fillText(shortened(life.label, Math.floor((right - left - 10) / this.size.letter)), left + 5, y);
        }
    }

    drawBrush() {
        if (this.drag === null || !this.drag.brush) return;
        const { context } = this;
        const [a, b] = [this.drag.x, this.drag.at];
        context.globalAlpha = 0.25;
        context.fillStyle = this.colours["--select"];
        context.fillRect(Math.min(a, b), this.size.axis, Math.abs(b - a), this.size.height);
        context.globalAlpha = 1;
    }

    /**
     * Returns the life at a place of the canvas: the one whose end is nearest, of those there.
     * @param {number} x
     * @param {number} y
     */
    lifeAt(x, y) {
        const lane = this.lanes[Math.floor((y - this.size.axis + this.scroller.scrollTop) / this.size.lane)];
        if (lane === undefined || y < this.size.axis) return null;
        let best = null;
        let nearest = Infinity;
        for (const life of lane.lives) {
            const [left, right] = [this.x(life.start) - 8, this.x(life.gone) + 10];
            const distance = Math.abs(this.x(life.end) - x);
            if (x >= left && x <= right && distance < nearest) [best, nearest] = [life, distance];
        }
        return best ?? (x < this.size.margin && lane.label !== "" ? lane.lives[lane.lives.length - 1] ?? null : null);
    }

    /**
     * Zooms around a place.
     * @param {number} factor
     * @param {number} [x]
     */
    zoom(factor, x = (this.size.margin + this.size.width) / 2) {
        const at = this.time(x);
        const { from, to } = this.view;
        this.view.show(at - (at - from) * factor, at + (to - at) * factor);
        this.redraw();
        this.on.moved();
    }

    /** @param {number} part Part of the time in sight. */
    pan(part) {
        const { from, to } = this.view;
        const by = (to - from) * part;
        this.view.show(from + by, to + by);
        this.redraw();
        this.on.moved();
    }

    fit() {
        this.view.fit();
        this.redraw();
        this.on.moved();
    }

    listen() {
        const { scroller } = this;
        scroller.addEventListener("scroll", () => this.redraw());
        new ResizeObserver(() => this.redraw()).observe(scroller);
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
        const place = (/** @type {MouseEvent} */ event) => {
            const box = this.canvas.getBoundingClientRect();
            return { x: event.clientX - box.left, y: event.clientY - box.top };
        };
        scroller.addEventListener("wheel", (event) => {
            const isZoom = event.ctrlKey || event.metaKey;
            if (!isZoom && !event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
            event.preventDefault();
            if (isZoom) this.zoom(Math.exp(event.deltaY / 300), place(event).x);
            else this.pan((event.deltaX + (event.shiftKey ? event.deltaY : 0)) / this.size.width);
        }, { passive: false });
        scroller.addEventListener("pointerdown", (event) => {
            const { x, y } = place(event);
            if (event.button !== 0 || x > this.size.width || event.pointerType === "touch" && y > this.size.axis && x < this.size.margin) return;
            this.drag = { x, from: this.view.from, to: this.view.to, moved: false, brush: event.shiftKey, at: x };
        });
        window.addEventListener("pointermove", (event) => {
            const { x, y } = place(event);
            if (this.drag === null) {
                if (event.target === this.canvas) this.canvas.style.cursor = this.lifeAt(x, y) === null ? "grab" : "pointer";
                return;
            }
            if (Math.abs(x - this.drag.x) > 3) this.drag.moved = true;
            this.drag.at = x;
            if (this.drag.moved && !this.drag.brush) {
                const by = ((x - this.drag.x) / (this.size.width - this.size.margin - 12)) * (this.drag.to - this.drag.from);
                this.view.show(this.drag.from - by, this.drag.to - by);
            }
            this.redraw();
        });
        window.addEventListener("pointerup", (event) => {
            const drag = this.drag;
            this.drag = null;
            if (drag === null) return;
            const { x, y } = place(event);
            if (!drag.moved) {
                const life = this.lifeAt(x, y);
                if (life !== null) this.on.open(life);
            } else if (drag.brush) this.view.show(this.time(Math.min(drag.x, x)), this.time(Math.max(drag.x, x)));
            this.redraw();
            this.on.moved();
        });
        window.addEventListener("pointercancel", () => { this.drag = null; });
        scroller.addEventListener("dblclick", (event) => this.zoom(0.5, place(event).x));
        scroller.addEventListener("keydown", (event) => {
            const keys = /** @type {Record<string, () => void>} */ ({
                "+": () => this.zoom(0.7), "=": () => this.zoom(0.7), "-": () => this.zoom(1.4), "0": () => this.fit(),
                ArrowLeft: () => this.pan(-0.1), ArrowRight: () => this.pan(0.1),
            });
            const act = keys[event.key];
            if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
            event.preventDefault();
            act();
        });
    }
}

/**
 * Draws the shape of a cause.
 * @param {CanvasRenderingContext2D} context
 * @param {string} shape
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {boolean} isFilled An exit with code 0 is hollow.
 */
function drawShape(context, shape, x, y, r, isFilled) {
    /** @type {Record<string, number[][]>} Corners, each as parts of the radius. */
    const corners = {
        up: [[0, -1.2], [1.1, 0.9], [-1.1, 0.9]],
        down: [[0, 1.2], [1.1, -0.9], [-1.1, -0.9]],
        diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
        square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
        bar: [[-0.4, -1.3], [0.4, -1.3], [0.4, 1.3], [-0.4, 1.3]],
        arrow: [[-0.4, -1.1], [1, 0], [-0.4, 1.1]],
    };
    context.lineWidth = 2;
    context.beginPath();
    if (shape === "cross" || shape === "plus") {
        const lines = shape === "cross" ? [[-1, -1, 1, 1], [-1, 1, 1, -1]] : [[-1.2, 0, 1.2, 0], [0, -1.2, 0, 1.2]];
        for (const [ax, ay, bx, by] of lines) {
            context.moveTo(x + ax * r, y + ay * r);
            context.lineTo(x + bx * r, y + by * r);
        }
        context.stroke();
        return;
    }
    if (corners[shape] === undefined) context.arc(x, y, r * 0.9, 0, 2 * Math.PI);
    else corners[shape].forEach(([dx, dy]) => context.lineTo(x + dx * r, y + dy * r));
    context.closePath();
    if (shape === "ring" || (shape === "circle" && !isFilled)) context.stroke();
    else context.fill();
}
