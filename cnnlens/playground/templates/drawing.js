// What is drawn, as numbers: a picked image, ink laid over it, and what the brush hides. Ink and hidden places are kept
// finer than the network's own pixels, so that a stroke is smooth and a digit can be moved and scaled.

export const FINE = 8; // a pixel of the network is so many fine ones a side
const SOFT = 0.5; // pixels over which the edge of a stroke fades
const KEPT = 30; // strokes that can be taken back

export class Drawing {
  /** @param shape [height, width, channels]; @param empty the value of an empty place, and of a hidden one */
  constructor([height, width, channels], empty) {
    Object.assign(this, { height, width, channels, empty, past: [] });
    this.ink = new Float32Array(height * width * FINE * FINE); // 0 none … 1 full
    this.tint = new Uint8Array(channels === 1 ? 0 : this.ink.length * channels); // of the ink, where there is color
    this.hidden = new Float32Array(this.ink.length); // 0 seen … 1 hidden
    this.fine = new Float32Array(this.ink.length * channels);
    this.clear();
  }

  clear() {
    this.base = new Float32Array(this.height * this.width * this.channels).fill(this.empty);
    this.picked = null;
    this.ink.fill(0);
    this.hidden.fill(0);
  }

  /** Begin with an image; `label` says what it shows. */
  pick(pixels, number, label) {
    this.clear();
    this.base.set(pixels);
    this.picked = { number, label };
  }

  /** Whether there is nothing but what was drawn by hand: only that is framed. */
  get isOwn() {
    return this.picked === null;
  }

  get isEmpty() {
    return this.isOwn && !this.ink.some(value => value > 0);
  }

  /** Remember what is there, before it changes. */
  remember() {
    const { base, picked, ink, tint, hidden } = this;
    this.past.push({ base: base.slice(), picked, ink: ink.slice(), tint: tint.slice(), hidden: hidden.slice() });
    if (this.past.length > KEPT) this.past.shift();
  }

  undo() {
    const before = this.past.pop();
    if (!before) return false;
    this.picked = before.picked;
    for (const name of ["base", "ink", "tint", "hidden"]) this[name].set(before[name]);
    return true;
  }

  /** A straight piece of a stroke, in pixels of the network, of ink (with its color) or of hiding. */
  stroke(kind, [x0, y0], [x1, y1], radius, color = null) {
    const target = kind === "hide" ? this.hidden : this.ink, wide = this.width * FINE;
    const reach = radius + SOFT, [dx, dy] = [x1 - x0, y1 - y0], long = dx * dx + dy * dy;
    const clip = (value, most) => Math.min(most, Math.max(0, Math.round(value * FINE)));
    const [left, right] = [clip(Math.min(x0, x1) - reach, wide), clip(Math.max(x0, x1) + reach, wide)];
    const [top, bottom] = [Math.min(y0, y1) - reach, Math.max(y0, y1) + reach].map(y => clip(y, this.height * FINE));
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const [x, y] = [(column + 0.5) / FINE, (row + 0.5) / FINE];
        const part = long ? Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / long)) : 0;
        const distance = Math.hypot(x - x0 - part * dx, y - y0 - part * dy);
        const value = Math.min(1, Math.max(0, (radius - distance) / SOFT + 0.5)), at = row * wide + column;
        if (value > target[at]) target[at] = value;
        if (value > 0 && color && kind !== "hide") this.tint.set(color, at * this.channels);
      }
    }
  }

  /** The whole drawing in fine pixels: the image, the ink over it, and nothing where it is hidden. */
  compose() {
    const { fine, base, ink, tint, hidden, channels, empty } = this, wide = this.width * FINE;
    for (let row = 0, at = 0; row < this.height * FINE; row++) {
      const cells = Math.floor(row / FINE) * this.width;
      for (let column = 0; column < wide; column++, at++) {
        const cell = (cells + Math.floor(column / FINE)) * channels, over = ink[at], hides = hidden[at];
        for (let c = 0; c < channels; c++) {
          const color = channels === 1 ? 1 : tint[at * channels + c] / 255;
          const seen = over ? base[cell + c] * (1 - over) + color * over : base[cell + c];
          fine[at * channels + c] = hides ? seen * (1 - hides) + empty * hides : seen;
        }
      }
    }
    return fine;
  }
}
