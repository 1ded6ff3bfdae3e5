// The network's answer: the likeliest class, and a bar for each; where units were changed, also the answer without that.

import { percent, put } from "./words.js";

export class Answer {
  constructor(root, name, classes, say) {
    Object.assign(this, { name, classes, say, timer: 0 });
    this.top = root.querySelector(".top");
    this.share = root.querySelector(".share");
    this.without = root.querySelector(".without");
    this.bars = root.querySelector(".bars");
    this.bars.classList.toggle("short", classes.every(each => each.length < 3) && classes.length < 12);
    if (classes.length > 12) this.bars.tabIndex = 0; // longer than its place: it scrolls
    this.rows = classes.map(label => {
      const row = document.createElement("li");
      row.innerHTML = `<span class="label"></span><span class="track"><i class="fill"></i><i class="tick"></i></span><span class="percent"></span>`;
      row.firstChild.textContent = label;
      this.bars.append(row);
      return row;
    });
  }

  /** @param shares the probabilities; @param unchanged those without changed units, null if none is changed */
  update(shares, unchanged, empty) {
    const top = shares.indexOf(Math.max(...shares));
    put(this.top, empty ? "–" : this.classes[top]);
    put(this.share, empty ? "nothing is drawn" : percent(shares[top]));
    this.rows.forEach((row, i) => {
      row.style.setProperty("--share", shares[i].toFixed(4));
      row.style.setProperty("--before", (unchanged ?? shares)[i].toFixed(4));
      put(row.lastChild, percent(shares[i]));
      row.classList.toggle("first", i === top && !empty);
    });
    this.bars.classList.toggle("changed", unchanged !== null);
    const before = unchanged && unchanged.indexOf(Math.max(...unchanged));
    put(this.without, unchanged ? `With all units as they were: ${this.classes[before]}, ${percent(unchanged[before])}` : "");
    clearTimeout(this.timer); // a screen reader hears the answer when the hand rests
    this.timer = setTimeout(() => {
      this.say(empty ? "Nothing is drawn." : `${this.name} says ${this.classes[top]}, ${percent(shares[top])}.`);
    }, 700);
  }
}
