// The drawing pad: finger, mouse or pen, or the arrow keys; and what lies over the drawing, such as where a unit looks.

import { FINE } from "./drawing.js";

const PEN = 1.1, BRUSH = 2.2; // radius in pixels of the network
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  /** @param tool a function that says {kind: "draw" or "hide", color}; @param changed called whenever something was drawn */
  constructor(root, drawing, tool, changed, say) {
    Object.assign(this, { root, drawing, tool, changed, say, last: null, down: false });
    this.canvas = root.querySelector("canvas");
    this.over = root.querySelector("svg");
    this.canvas.width = drawing.width * FINE;
    this.canvas.height = drawing.height * FINE;
    this.over.setAttribute("viewBox", `0 0 ${drawing.width} ${drawing.height}`);
    this.cursor = [drawing.width / 2 - 0.5, drawing.height / 2 - 0.5];
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    root.addEventListener("pointerdown", event => this.begin(event));
    root.addEventListener("pointermove", event => this.go(event));
    for (const name of ["pointerup", "pointercancel"]) root.addEventListener(name, () => this.end());
    root.addEventListener("keydown", event => this.key(event));
    root.addEventListener("blur", () => (this.down = false));
    this.showCursor();
  }

  at(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [((event.clientX - left) / width) * this.drawing.width, ((event.clientY - top) / height) * this.drawing.height];
  }

  begin(event) {
    if (event.button) return;
    event.preventDefault();
    this.root.focus({ preventScroll: true });
    this.root.setPointerCapture(event.pointerId);
    this.drawing.remember();
    this.last = this.at(event);
    this.draw(this.last, this.last);
  }

  go(event) {
    if (!this.last) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) {
      const now = this.at(each);
      this.draw(this.last, now);
      this.last = now;
    }
  }

  end() {
    if (this.last) this.changed(true);
    this.last = null;
  }

  /** Arrows move the cursor, four pixels with Shift; Space puts the brush down and lifts it. */
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in STEPS) {
      const far = event.shiftKey ? 4 : 1, [x, y] = this.cursor, [dx, dy] = STEPS[event.key];
      const inside = (value, most) => Math.min(most - 0.5, Math.max(0.5, value));
      this.cursor = [inside(x + far * dx, this.drawing.width), inside(y + far * dy, this.drawing.height)];
      if (this.down) this.draw([x, y], this.cursor);
      this.tell();
    } else if (event.key === " " || event.key === "Enter") {
      this.down = !this.down;
      if (this.down) {
        this.drawing.remember();
        this.draw(this.cursor, this.cursor);
      } else this.changed(true);
      this.tell();
    } else if (event.key === "Escape") {
      this.down = false;
      this.tell();
    } else return;
    event.preventDefault();
    this.showCursor();
  }

  tell() {
    const [x, y] = this.cursor.map(Math.floor);
    this.say(`Row ${y}, column ${x}, brush ${this.down ? "down" : "up"}`);
  }

  draw(from, to) {
    const { kind, color } = this.tool();
    this.drawing.stroke(kind, from, to, kind === "hide" ? BRUSH : PEN, color);
    this.changed(false);
  }

  /** The composed drawing; what is hidden is hatched. */
  paint(fine) {
    const { drawing } = this, { data } = this.image, wide = this.canvas.width;
    for (let i = 0; i < drawing.ink.length; i++) {
      const hatched = drawing.hidden[i] > 0.5, stripe = hatched && ((i % wide) + Math.floor(i / wide)) % 10 < 2;
      for (let c = 0; c < 3; c++) {
        const value = 255 * fine[i * drawing.channels + (drawing.channels === 1 ? 0 : c)];
        data[4 * i + c] = stripe ? [96, 112, 150][c] : hatched && drawing.channels === 1 ? [22, 27, 44][c] : value;
      }
      data[4 * i + 3] = 255;
    }
    this.context.putImageData(this.image, 0, 0);
  }

  /** Where a unit looks, {left, top, width, height} in pixels of the drawing; null for nowhere. */
  showBox(box) {
    place(this.over.querySelector(".box"), box);
  }

  showCursor() {
    const ring = this.over.querySelector(".cursor"), hides = this.tool().kind === "hide";
    ring.setAttribute("cx", this.cursor[0]);
    ring.setAttribute("cy", this.cursor[1]);
    ring.setAttribute("r", hides ? BRUSH : PEN);
    ring.classList.toggle("down", this.down);
  }
}

/** Lay a rectangle of an SVG on a box; hide it if there is none. */
export function place(rectangle, box) {
  rectangle.toggleAttribute("hidden", !box);
  rectangle.style.display = box ? "" : "none";
  for (const [name, value] of box ? [["x", box.left], ["y", box.top], ["width", box.width], ["height", box.height]] : []) {
    rectangle.setAttribute(name, value.toFixed(3));
  }
}
