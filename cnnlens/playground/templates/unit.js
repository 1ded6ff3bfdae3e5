// One unit: what it gives now and where it looks, a slider for its strength, what it looks for, its best images, its
// weights.

import { imageOf } from "./arrays.js";
import { SIGNED, paintImage, paintKernel, paintMap, shade } from "./colors.js";
import { place } from "./pad.js";
import { number, put, times, withArticle } from "./words.js";

export class Unit {
  /** @param does {scale(layer, unit, factor), select(layer, unit), pick(image), close()} */
  constructor(root, told, network, arrays, does) {
    Object.assign(this, { root, told, network, arrays, does, layer: null, unit: 0 });
    this.part = name => root.querySelector(`[data-part="${name}"]`);
    this.part("strength").addEventListener("input", event => does.scale(this.layer, this.unit, Number(event.target.value)));
    this.part("off").addEventListener("click", () => does.scale(this.layer, this.unit, this.factor === 0 ? 1 : 0));
    for (const [name, step] of [["before", -1], ["next", 1]]) {
      this.part(name).addEventListener("click", () => {
        const units = this.layer.shape.at(-1);
        does.select(this.layer, (this.unit + step + units) % units);
      });
    }
    this.part("close").addEventListener("click", () => does.close());
    this.part("best").addEventListener("click", event => {
      const button = event.target.closest("button");
      if (button) does.pick(Number(button.dataset.image));
    });
  }

  /** Show another unit: all that does not depend on the drawing. */
  show(layer, unit) {
    Object.assign(this, { layer, unit });
    this.root.classList.add("open");
    const isMap = layer.shape.length === 3, name = layer.last ? `: ${this.told.classes[unit]}` : "";
    this.part("title").textContent = `${layer.path} · unit ${unit}${name}`;
    this.root.querySelector('[data-figure="map"]').hidden = !isMap;
    this.part("strength").disabled = this.part("off").disabled = layer.last;
    this.part("why-not").hidden = !layer.last;
    this.showPortrait();
    this.showBest();
    this.showWeights();
  }

  hide() {
    this.root.classList.remove("open");
  }

  showPortrait() {
    const { layer, unit } = this, canvas = this.part("portrait");
    const portraits = this.arrays[`portraits ${layer.path}`];
    this.root.querySelector('[data-figure="portrait"]').hidden = !portraits;
    if (!portraits) return;
    const [, height, width, channels] = portraits.shape;
    const size = height * width * channels;
    [canvas.height, canvas.width] = [height, width];
    paintImage(canvas, portraits.subarray(unit * size, (unit + 1) * size), channels);
    const dead = layer.dead.includes(unit);
    this.part("portrait-words").textContent = dead ? "What it looks for: nothing was found" : "What it looks for";
    canvas.setAttribute("aria-label", `The image that was made to activate unit ${unit} of ${layer.path} most`);
  }

  showBest() {
    const { layer, unit, told } = this, [height, width, channels] = told.shape, { images } = this.arrays;
    this.part("best").replaceChildren(
      ...layer.best[unit].map((image, i) => {
        const button = document.createElement("button"), label = told.labels[image];
        button.dataset.image = image;
        button.setAttribute("aria-label", `Best image ${i + 1}${label ? `, ${withArticle(label)}` : ""}: put it on the pad`);
        button.title = label;
        button.innerHTML = `<canvas width="${width}" height="${height}"></canvas><svg viewBox="0 0 ${width} ${height}" aria-hidden="true"><rect class="box"/></svg>`;
        paintImage(button.firstChild, imageOf(images, image), channels);
        const [top, left, bottom, right] = layer.boxes[unit][i];
        const all = bottom - top >= height && right - left >= width;
        place(button.querySelector("rect"), all ? null : clipped({ top, left, bottom, right }, height, width));
        return button;
      }),
    );
  }

  showWeights() {
    const { layer, unit, network } = this, number_ = network.steps.findIndex(each => each.layer === layer.path);
    const step = network.steps[number_], words = this.part("weights-words"), canvas = this.part("weights"), grid = this.part("numbers");
    canvas.hidden = grid.hidden = true;
    this.part("source-unit").hidden = true;
    const kernel = this.arrays[step.weights.kernel];
    if (step.kind === "convolution") {
      const [high, wide, deep, units] = kernel.shape;
      const tiles = Array.from({ length: deep }, (_, c) =>
        Float32Array.from({ length: high * wide }, (_, i) => kernel[(i * deep + c) * units + unit]));
      this.draw(tiles, high, wide, this.arrays[step.weights.bias][unit], channelsOf(this.before()));
    } else if (step.kind === "dense") {
      // weights on maps that were flattened are shown as maps again, those on the image as images
      const [inputs, units] = kernel.shape, source = this.before(), shape = source?.shape ?? this.told.shape;
      const fits = shape.length === 3 && shape.reduce((a, b) => a * b) === inputs;
      const [high, wide, deep] = fits ? shape : [1, 1, inputs];
      const tiles = Array.from({ length: deep }, (_, c) =>
        Float32Array.from({ length: high * wide }, (_, i) => kernel[(i * deep + c) * units + unit]));
      this.draw(tiles, high, wide, this.arrays[step.weights.bias][unit], channelsOf(source));
    } else {
      const kinds = { largest: "Its largest value", mean: "Its mean", relu: "Zero for what is negative of", affine: "Scaled and shifted:" };
      const source = this.before(), window = step.size ? ` in each ${times(...step.size)}` : "";
      words.textContent = `No kernel of its own. ${kinds[step.kind] ?? ""}${window}${step.size ? " of" : ""}`;
      const link = this.part("source-unit");
      link.hidden = !source;
      if (source) link.textContent = `${source.path}, unit ${unit}`;
      link.onclick = () => this.does.select(source, unit);
    }
  }

  /** The layer that this one reads. */
  before() {
    const { layers } = this.told;
    return layers[layers.indexOf(this.layer) - 1];
  }

  draw(tiles, high, wide, bias, reads) {
    const most = Math.max(...tiles.map(tile => tile.reduce((a, b) => Math.max(a, Math.abs(b)), 0))) || 1;
    const each = high * wide > 1 ? `${times(high, wide)}, ` : "", range = `from ${number(-most)} (blue) to ${number(most)} (red)`;
    const whose = tiles.length > 1 ? `one for each of ${tiles.length} ${reads}, ` : "";
    this.part("weights-words").textContent =
      `${this.layer.shape.length === 3 ? "Its kernel" : "Its weights"}: ${each}${whose}${range}; bias ${number(bias)}`;
    if (tiles.length === 1 && high * wide <= 25) {
      const grid = this.part("numbers");
      grid.hidden = false;
      grid.style.setProperty("--across", wide);
      grid.replaceChildren(
        ...Array.from(tiles[0], weight => {
          const cell = document.createElement("span"), index = shade(weight, most, true);
          cell.textContent = number(weight);
          cell.style.backgroundColor = SIGNED.css[index];
          cell.style.color = Math.abs(index - 128) > 92 ? "#fff" : "#111";
          return cell;
        }),
      );
      return;
    }
    const canvas = this.part("weights"), across = Math.ceil(Math.sqrt((2 * tiles.length * high) / wide));
    canvas.hidden = false;
    paintKernel(canvas, tiles, high, wide, Math.min(across, tiles.length), most);
    canvas.setAttribute("aria-label", this.part("weights-words").textContent);
  }

  get factor() {
    return this.scales?.[this.layer.path]?.[this.unit] ?? 1;
  }

  /** What it gives for the drawing; the box on the network's image where it looks, null if that is everywhere. */
  update(image, scales) {
    this.scales = scales;
    if (!this.layer) return null;
    const { layer, unit, told } = this, values = this.network.outputs[layer.path], units = layer.shape.at(-1);
    const found = strongest(values, units, unit), isMap = layer.shape.length === 3;
    const [row, column] = isMap ? [Math.floor(found.at / layer.shape[1]), found.at % layer.shape[1]] : [0, 0];
    this.part("strength").value = this.factor;
    put(this.part("factor"), `× ${this.factor.toFixed(2).replace(/\.?0+$/, "")}`);
    put(this.part("off"), this.factor === 0 ? "Set back to 1" : "Set to zero");
    const off = this.factor === 0 ? "Set to zero. " : "";
    put(this.part("says"), off + (isMap ? `Strongest: ${number(found.value)}, at row ${row}, column ${column} of its map` : `Gives ${number(found.value)}`));
    const silent = !isMap ? false : found.value === 0 && !layer.signed;
    const box = isMap && layer.axes && !silent ? seenFrom(layer.axes, row, column, told.shape) : null;
    this.paint(values, units, image, box, isMap && !silent ? [row, column] : null);
    return box;
  }

  paint(values, units, image, box, spot) {
    const { layer, unit, told } = this, [height, width, channels] = told.shape;
    if (layer.shape.length === 3) {
      const canvas = this.part("map"), [high, wide] = layer.shape;
      if (canvas.width !== wide || canvas.height !== high) {
        Object.assign(canvas, { width: wide, height: high, context: undefined, image: undefined, pixels: undefined });
        this.part("map-over").setAttribute("viewBox", `0 0 ${wide} ${high}`);
      }
      paintMap(canvas, values, units, unit, layer.scale, layer.signed);
      place(this.part("map-over").firstElementChild, spot && { left: spot[1], top: spot[0], width: 1, height: 1 });
    }
    const canvas = this.part("looks");
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    paintImage(canvas, image, channels);
    this.part("looks-over").setAttribute("viewBox", `0 0 ${width} ${height}`);
    place(this.part("looks-over").firstElementChild, box);
    put(this.part("looks-words"), box ? "Where it looks" : layer.axes ? "Nowhere: it is silent" : "It sees all of it");
  }
}

function channelsOf(layer) {
  return !layer ? "channels" : layer.shape.length === 3 ? `maps of ${layer.path}` : `neurons of ${layer.path}`;
}

/** The highest value of one unit and the place of its map where it stands. */
export function strongest(values, units, unit) {
  let at = 0;
  for (let i = 0; i * units < values.length; i++) if (values[i * units + unit] > values[at * units + unit]) at = i;
  return { at, value: values[at * units + unit] };
}

/** What a place of a map sees of the image, cut at its border. */
export function seenFrom([rows, columns], row, column, [height, width]) {
  const ends = ([start, stride, field], i) => [start + i * stride, start + i * stride + field];
  const [top, bottom] = ends(rows, row), [left, right] = ends(columns, column);
  return clipped({ top, left, bottom, right }, height, width);
}

function clipped({ top, left, bottom, right }, height, width) {
  const [y, x] = [Math.max(0, top), Math.max(0, left)];
  return { top: y, left: x, height: Math.min(height, bottom) - y, width: Math.min(width, right) - x };
}
