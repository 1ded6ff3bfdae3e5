// Every layer as a list of its units: maps as small pictures, neurons as colored cells. One of each list can be reached
// by Tab, the arrow keys go from unit to unit, and what is reached is chosen.

import { SIGNED, UNSIGNED, paintMap, shade } from "./colors.js";
import { number, times } from "./words.js";

/** What a layer does, in words; `step` is what the page computes for it. */
export function inWords(layer, step) {
  const window = step.size ? times(...step.size) : "", units = layer.shape.at(-1);
  const gives = layer.shape.length === 3 ? `${units} maps of ${times(layer.shape[0], layer.shape[1])}` : `${units} neurons`;
  const does = { convolution: `convolution ${window}`, largest: `largest of ${window}`, mean: `mean of ${window}` };
  const named = does[step.kind] ?? { affine: "scaled and shifted", relu: "ReLU", dense: "" }[step.kind] ?? step.kind;
  return [named, layer.last ? "the scores before the softmax" : gives].filter(Boolean).join(", ");
}

export class Layers {
  /** @param select called with the layer and the number of a unit that was chosen */
  constructor(root, layers, network, classes, select) {
    Object.assign(this, { layers, network, lists: {}, tiles: {} });
    for (const layer of layers) root.append(this.section(layer, classes, select));
  }

  section(layer, classes, select) {
    const step = this.network.steps.find(each => each.layer === layer.path);
    const section = document.getElementById("layer").content.firstElementChild.cloneNode(true);
    const isMap = layer.shape.length === 3, sees = layer.axes?.map(([, , field]) => field);
    section.querySelector("h3").textContent = layer.path;
    section.querySelector(".does").textContent = inWords(layer, step);
    section.querySelector(".sees").textContent = sees ? `sees ${times(...sees)} px` : "sees all";
    section.querySelector(".legend").innerHTML =
      `<span>${layer.signed ? number(-layer.scale) : 0}</span><i class="${layer.signed ? "signed" : "unsigned"}"></i><span>${number(layer.scale)}</span>`;
    const list = section.querySelector(".tiles");
    list.setAttribute("aria-label", `Units of ${layer.path}`);
    list.classList.add(isMap ? "maps" : layer.last ? "scores" : "neurons");
    const small = layer.shape[0] <= this.layers[0].shape[0] / 1.6 || layer.shape.at(-1) >= 64;
    list.classList.toggle("small", isMap && small);
    list.classList.toggle("long", Boolean(layer.last) && classes.some(each => each.length > 3));
    this.lists[layer.path] = list;
    this.tiles[layer.path] = Array.from({ length: layer.shape.at(-1) }, (_, unit) => {
      const tile = document.createElement("div");
      tile.setAttribute("role", "option");
      tile.setAttribute("aria-selected", "false");
      tile.setAttribute("aria-label", layer.last ? `unit ${unit}, the score of ${classes[unit]}` : `unit ${unit}`);
      tile.title = `${layer.path}/${unit}`;
      tile.tabIndex = unit ? -1 : 0;
      if (isMap) {
        tile.canvas = document.createElement("canvas");
        [tile.canvas.height, tile.canvas.width] = layer.shape;
        tile.append(tile.canvas);
      } else if (layer.last) tile.innerHTML = `<b></b>`;
      if (layer.last) tile.firstChild.textContent = classes[unit];
      tile.addEventListener("click", () => {
        tile.focus({ preventScroll: true });
        select(layer, unit);
        tile.scrollIntoView({ block: "nearest" }); // on a phone what is told of the unit covers the lower half
      });
      return tile;
    });
    list.append(...this.tiles[layer.path]);
    list.addEventListener("keydown", event => this.key(event, layer, select));
    return section;
  }

  key(event, layer, select) {
    const tiles = this.tiles[layer.path], now = tiles.indexOf(document.activeElement);
    if (now < 0) return;
    const top = tiles[0].offsetTop, across = tiles.filter(tile => tile.offsetTop === top).length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, Home: -now, End: tiles.length - 1 - now };
    const chosen = event.key === " " || event.key === "Enter" ? now : now + steps[event.key];
    if (!(chosen in tiles)) return;
    event.preventDefault();
    tiles[chosen].focus();
    select(layer, chosen);
  }

  /** Draw what each unit gives now. */
  update() {
    for (const layer of this.layers) {
      const values = this.network.outputs[layer.path], units = layer.shape.at(-1);
      this.tiles[layer.path].forEach((tile, unit) => {
        if (tile.canvas) paintMap(tile.canvas, values, units, unit, layer.scale, layer.signed);
        else {
          const index = shade(values[unit], layer.scale, layer.signed);
          if (tile.shade === index) return;
          tile.shade = index;
          tile.style.backgroundColor = (layer.signed ? SIGNED : UNSIGNED).css[index];
          tile.classList.toggle("bright", layer.signed ? Math.abs(index - 128) < 92 : index > 140);
        }
      });
    }
  }

  /** Mark the chosen unit, and those whose strength was changed. */
  mark(chosen, scales) {
    for (const layer of this.layers) {
      this.tiles[layer.path].forEach((tile, unit) => {
        const isChosen = chosen?.layer === layer.path && chosen.unit === unit, factor = scales[layer.path]?.[unit];
        if (isChosen !== (tile.getAttribute("aria-selected") === "true")) {
          tile.setAttribute("aria-selected", String(isChosen));
          for (const other of this.tiles[layer.path]) if (isChosen) other.tabIndex = other === tile ? 0 : -1;
        }
        tile.classList.toggle("changed", factor !== undefined);
        tile.classList.toggle("off", factor === 0);
      });
    }
  }
}
