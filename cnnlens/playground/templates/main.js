// The page: what is drawn goes through the network, and everything that shows something is drawn again.

import { read, write } from "./address.js";
import { Answer } from "./answer.js";
import { imageOf, unpack } from "./arrays.js";
import { Challenge } from "./challenge.js";
import { SIGNED, UNSIGNED, paintImage } from "./colors.js";
import { Drawing, FINE } from "./drawing.js";
import { AS_IT_IS, framing, sample } from "./framing.js";
import { Layers } from "./layers.js";
import { Network } from "./network.js";
import { Pad, place } from "./pad.js";
import { Unit, strongest } from "./unit.js";
import { withArticle } from "./words.js";

const SAME = 1e-4; // what the page's probabilities may differ from Keras's
const part = id => document.getElementById(id);
const told = JSON.parse(part("told").textContent);
const arrays = await unpack(part("packed").textContent.trim(), told.arrays);
const network = new Network(told.shape, told.steps, arrays);
const [height, width, channels] = told.shape;
const drawing = new Drawing(told.shape, channels === 1 ? 0 : 0.5);
const shown = { unit: null, scales: {}, digit: null, task: null, theme: null, frame: AS_IT_IS, times: [] };

const say = words => (part("spoken").textContent = words);
const tool = () => ({
  kind: document.querySelector("input[name=tool]:checked").value,
  color: channels === 1 ? null : part("color").value.match(/\w\w/g).map(digits => parseInt(digits, 16)),
});
const pad = new Pad(part("pad"), drawing, tool, changedByHand, words => (part("cursor-spoken").textContent = words));
const layers = new Layers(part("layers"), told.layers, network, told.classes, select);
const answer = new Answer(part("answer"), told.name, told.classes, say);
const unit = new Unit(part("unit"), told, network, arrays, { scale: setScale, select, pick, close: unselect });
const challenge = new Challenge(part("challenge"), told.name, told.classes, beginWith, task => {
  shown.task = task;
  remember();
});

// --- from the drawing to all that is shown ---------------------------------------------------------------------------

let waiting = false;

/** Draw everything again, at most once a frame of the screen, however many events came. */
function refresh() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    update();
  });
}

function update() {
  const began = performance.now();
  const fine = drawing.compose(), framed = part("framed")?.checked && drawing.isOwn;
  shown.frame = framed ? framing(drawing.ink, height * FINE, width * FINE) : AS_IT_IS;
  const image = sample(fine, told.shape, shown.frame), asDrawn = framed && shown.task ? sample(fine, told.shape, AS_IT_IS) : image;
  const isChanged = Object.keys(shown.scales).length > 0;
  const unchanged = isChanged ? network.run(image).slice() : null;
  const shares = Array.from(network.run(image, shown.scales));
  shown.times.push(performance.now() - began);
  pad.paint(fine);
  paintImage(part("seen"), image, channels);
  layers.update();
  answer.update(shares, unchanged && Array.from(unchanged), drawing.isEmpty);
  const box = unit.update(image, shown.scales);
  pad.showBox(box && onPad(box, shown.frame));
  place(part("seen-box"), box);
  challenge.update(drawing, asDrawn, unchanged ?? shares);
  part("time").textContent = `${shown.times.at(-1).toFixed(1)} ms`;
  document.body.dataset.updates = Number(document.body.dataset.updates ?? 0) + 1;
}

/** A box on the network's image as a box on the pad. */
function onPad(box, { scale, left, top }) {
  return { left: (box.left - left) / scale, top: (box.top - top) / scale, width: box.width / scale, height: box.height / scale };
}

function changedByHand(isFinished) {
  if (!isFinished) return refresh();
  shown.digit = drawing.picked ? shown.digit : null;
  remember();
}

// --- picking ---------------------------------------------------------------------------------------------------------

function pick(image) {
  drawing.remember();
  drawing.pick(imageOf(arrays.images, image), image, told.labels[image]);
  const place_ = told.picks.indexOf(image), label = told.labels[image];
  const alike = told.picks.filter(each => told.labels[each] === label);
  shown.digit = place_ < 0 ? null : label + (alike[0] === image ? "" : `.${alike.indexOf(image)}`);
  remember();
  refresh();
}

/** The pick that an address names: 4, or 4.2 for the third of them; a number where images have no labels. */
function pickNamed(name) {
  const [label, which] = name.split(/\.(?=\d+$)/), alike = told.picks.filter(each => told.labels[each] === label);
  const found = alike[Number(which ?? 0)];
  if (found !== undefined) pick(found);
  return found !== undefined;
}

/** Put an image of a class on the pad that the network reads rightly. */
function beginWith(label) {
  const alike = told.picks.filter(image => told.labels[image] === label);
  const right = alike.find(image => {
    const shares = network.run(imageOf(arrays.images, image));
    return shares.indexOf(Math.max(...shares)) === told.classes.indexOf(label);
  });
  const found = right ?? alike[0];
  if (found === undefined) {
    drawing.remember();
    drawing.clear();
    refresh();
  } else pick(found);
}

for (const image of told.picks) {
  const button = document.createElement("button"), label = told.labels[image];
  button.innerHTML = `<canvas width="${width}" height="${height}"></canvas>`;
  button.setAttribute("aria-label", label ? `Put ${withArticle(label)} on the pad` : `Put image ${image} on the pad`);
  paintImage(button.firstChild, imageOf(arrays.images, image), channels);
  button.addEventListener("click", () => pick(image));
  button.tabIndex = part("picks").children.length ? -1 : 0;
  part("picks").append(button);
}

/** One of them can be reached by Tab; the arrow keys go from one to the next, and Enter puts it on the pad. */
part("picks").addEventListener("keydown", event => {
  const buttons = [...part("picks").children], now = buttons.indexOf(document.activeElement);
  const down = buttons.filter(each => each.offsetLeft === buttons[0].offsetLeft).length;
  const next = buttons[now + { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -down, ArrowRight: down }[event.key]];
  if (!next) return;
  event.preventDefault();
  buttons[now].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

// --- tools -----------------------------------------------------------------------------------------------------------

part("clear").addEventListener("click", () => {
  drawing.remember();
  drawing.clear();
  shown.digit = null;
  remember();
  refresh();
});
part("undo").addEventListener("click", () => {
  if (drawing.undo()) refresh();
  shown.digit = null;
  remember();
});
part("framed")?.addEventListener("change", refresh);
for (const radio of document.querySelectorAll("input[name=tool]")) radio.addEventListener("change", () => pad.showCursor());

// --- units -----------------------------------------------------------------------------------------------------------

function select(layer, number) {
  shown.unit = { layer: layer.path, unit: number };
  unit.show(layer, number);
  layers.mark(shown.unit, shown.scales);
  remember();
  refresh();
}

function unselect() {
  unit.hide();
  layers.tiles[shown.unit.layer][shown.unit.unit].focus({ preventScroll: true });
}

function setScale(layer, number, factor) {
  const factors = { ...shown.scales[layer.path], [number]: factor };
  if (factor === 1) delete factors[number];
  shown.scales = { ...shown.scales, [layer.path]: factors };
  if (!Object.keys(factors).length) delete shown.scales[layer.path];
  showScales();
}

function showScales() {
  const count = Object.values(shown.scales).reduce((sum, factors) => sum + Object.keys(factors).length, 0);
  part("reset").hidden = !count;
  part("reset").textContent = `Set ${count > 1 ? `${count} units` : "it"} back`;
  layers.mark(shown.unit, shown.scales);
  remember();
  refresh();
}

part("reset").addEventListener("click", () => {
  shown.scales = {};
  showScales();
});

// --- the address, light and dark -------------------------------------------------------------------------------------

/** Write what is shown into the address, so that it can be sent to somebody. A page within a page has none. */
function remember() {
  const set = Object.entries(shown.scales).flatMap(([layer, factors]) =>
    Object.entries(factors).map(([each, factor]) => ({ layer, unit: each, factor })));
  const address = write({ ...shown, set });
  shown.address = address;
  if (location.protocol === "about:") return;
  try {
    history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
  } catch {
    // a browser may refuse when a slider asks for it too often; what is shown next is written then
  }
}

function open(address) {
  const wanted = read(address), layerOf = path => told.layers.find(layer => layer.path === path);
  if (wanted.theme) setTheme(wanted.theme);
  shown.scales = {};
  for (const { layer, unit: number, factor } of wanted.set) {
    if (layerOf(layer) && number < layerOf(layer).shape.at(-1)) shown.scales[layer] = { ...shown.scales[layer], [number]: factor };
  }
  if (wanted.task) {
    shown.task = challenge.start(...wanted.task);
    if (!wanted.digit && shown.task) beginWith(wanted.task[0]);
  }
  if (wanted.digit) pickNamed(wanted.digit);
  const layer = wanted.unit && layerOf(wanted.unit.layer);
  if (layer && wanted.unit.unit < layer.shape.at(-1)) select(layer, wanted.unit.unit);
  showScales();
}

function setTheme(theme) {
  shown.theme = theme;
  document.documentElement.dataset.theme = theme;
  part("theme").setAttribute("aria-pressed", String(theme === "dark"));
}

part("theme").addEventListener("click", () => {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  remember();
});

for (const [name, colors] of [["unsigned", UNSIGNED], ["signed", SIGNED]]) {
  document.documentElement.style.setProperty(`--${name}`, colors.css.filter((_, i) => i % 15 === 0).join(", "));
}

/** Columns that are taller than the window stop when their end is reached, lower ones when their head is. */
const measure = new ResizeObserver(entries => {
  for (const { target } of entries) target.style.setProperty("--tall", `${target.offsetHeight}px`);
});
for (const side of document.querySelectorAll(".side")) measure.observe(side);

// --- beginning -------------------------------------------------------------------------------------------------------

/** Compare the page's probabilities for all picks with Keras's, which came with it. */
function compareWithKeras() {
  const worst = Math.max(...told.picks.map((image, i) =>
    Math.max(...network.run(imageOf(arrays.images, image)).map((share, c) => Math.abs(share - told.expected[i][c])))));
  part("checked").textContent =
    worst <= SAME
      ? `Equal to Keras: on ${told.picks.length} images, checked when this page was opened, no probability differs by more than ${worst.toExponential(0)}.`
      : `Not equal to Keras: a probability differs by ${worst.toExponential(1)}. Do not trust this page.`;
  document.body.dataset.worst = worst;
}

/** The unit that responds most in the last layer of maps: something to look at before anything is chosen. */
function firstUnit() {
  const layer = told.layers.filter(each => each.shape.length === 3 && network.steps.find(step => step.layer === each.path).kind === "convolution").at(-1) ?? told.layers[0];
  const units = layer.shape.at(-1), peaks = Array.from({ length: units }, (_, i) => strongest(network.outputs[layer.path], units, i).value);
  return [layer, peaks.indexOf(Math.max(...peaks))];
}

compareWithKeras();
part("theme").setAttribute("aria-pressed", String(document.documentElement.dataset.theme === "dark"));
const start = location.hash.length > 1 ? location.hash : told.at;
open(start);
if (!drawing.picked) beginWith(told.classes[4]);
if (!drawing.picked) pick(told.picks[0]);
shown.digit = read(start).digit; // what was put there to begin with is no part of the address
remember();
drawing.past = [];
update();
if (!shown.unit) {
  const [layer, number] = firstUnit();
  unit.show(layer, number);
  shown.unit = { layer: layer.path, unit: number };
  layers.mark(shown.unit, shown.scales);
  if (matchMedia("(max-width: 719px)").matches) unit.hide();
}
update();
addEventListener("hashchange", () => location.hash.slice(1) !== shown.address && open(location.hash));

/** For tests, and for who looks under the hood: the page's own answer to images, and how long updates took. */
window.playground = {
  told,
  arrays,
  shown,
  Network,
  drawing,
  network,
  answer: (image, scales) => Array.from(network.run(Float32Array.from(image), scales)),
  seen: () => Array.from(sample(drawing.compose(), told.shape, shown.frame)),
  update,
};
document.body.dataset.ready = "true";
