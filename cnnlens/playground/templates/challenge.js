// "Draw a 4 that it takes for a 9": the page itself says when that is done.
//
// No page can know whether something is a 4: a person must say that. So what counts is how little was changed of a drawing
// that is known to be one: a picked image with that label, or one of your own that the network itself read so, surely.

import { percent, put, withArticle } from "./words.js";

const ALLOWED = 0.3; // how much may be changed, as a share of the ink that was there
const SURE = 0.9; // how sure the network must be of a drawing of your own before you change it

/** How much of an image was changed: the sum of all differences, as a share of the sum of what was there. */
export function changed(now, before) {
  let [difference, ink] = [0, 0];
  for (let i = 0; i < now.length; i++) {
    difference += Math.abs(now[i] - before[i]);
    ink += before[i];
  }
  return ink ? difference / ink : Infinity;
}

export class Challenge {
  /** @param begin called with a label: puts an image of this class on the pad */
  constructor(root, name, classes, begin, started) {
    Object.assign(this, { root, name, classes, origin: null, from: null, to: null });
    [this.fromSelect, this.toSelect] = root.querySelectorAll("select");
    this.status = root.querySelector("[data-part=status]");
    for (const select of [this.fromSelect, this.toSelect]) {
      select.append(...classes.map(each => Object.assign(document.createElement("option"), { value: each, textContent: each })));
    }
    this.fromSelect.value = classes[Math.min(4, classes.length - 2)];
    this.toSelect.value = classes.at(-1);
    root.querySelector("button").addEventListener("click", () => {
      started(this.start(this.fromSelect.value, this.toSelect.value));
      begin(this.from);
    });
  }

  /** Set the task; null if these are no two classes. */
  start(from, to) {
    if (from === to || !this.classes.includes(from) || !this.classes.includes(to)) {
      this.status.textContent = "Choose two different ones.";
      return (this.from = this.to = null);
    }
    Object.assign(this, { from, to, origin: null });
    [this.fromSelect.value, this.toSelect.value] = [from, to];
    return [from, to];
  }

  /** @param pixels of the drawing, unframed; @param shares the answer of the unchanged network */
  update(drawing, pixels, shares) {
    if (!this.from) return;
    const share = name => shares[this.classes.indexOf(name)], { from, to, name } = this;
    if (drawing.picked) this.origin = drawing.picked.label === from ? drawing.base : null;
    else if (drawing.isEmpty) this.origin = null;
    else if (share(from) >= SURE) this.origin = pixels.slice();
    const part = this.origin ? changed(pixels, this.origin) : null, says = share(to) >= 0.5, ink = `${Math.round(100 * part)} % of the ink`;
    const done = says && part !== null && part <= ALLOWED && part > 0;
    this.root.classList.toggle("done", done);
    const words = done
      ? `Done! ${name} takes your ${from} for ${withArticle(to)} (${percent(share(to))}), with ${ink} changed. Would a person still read ${withArticle(from)}? Can you do it with less?`
      : part === null
        ? `Pick ${withArticle(from)}, or draw one that ${name} reads so (at least ${percent(SURE)}).`
        : says
          ? `${name} says ${to}, but ${ink} is changed, and ${percent(ALLOWED)} are allowed. Take something back.`
          : `Now change it: add ink, or hide some. ${from} has ${percent(share(from))}, ${to} has ${percent(share(to))}. ${ink} is changed, ${percent(ALLOWED)} are allowed.`;
    put(this.status, words);
  }
}
