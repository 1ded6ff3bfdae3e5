// MNIST's digits were all framed alike (LeCun et al. 1998): scaled until they fit a box of 20 px, their proportions kept,
// and moved until their center of mass lies in the middle. A network that has seen nothing else reads others badly.
// MNIST's middle is the middle of pixel (14, 14): its digits' centers of mass are on average at 14.5 px, not at 14.

import { FINE } from "./drawing.js";

const BOX = 20, MIDDLE = 14.5;
const MOST = 3; // a dot is no digit yet: nothing is enlarged more than so many times
const INK = 0.1; // what counts as ink

/** Where a drawing goes: a point x, y of it, in pixels, comes to lie at x * scale + left, y * scale + top. */
export const AS_IT_IS = { scale: 1, left: 0, top: 0 };

/** The frame of MNIST for ink of `high` × `wide` fine pixels. */
export function framing(ink, high, wide) {
  let [top, bottom, left, right, mass, x, y] = [high, -1, wide, -1, 0, 0, 0];
  for (let row = 0; row < high; row++) {
    for (let column = 0; column < wide; column++) {
      const value = ink[row * wide + column];
      if (value <= INK) continue;
      [top, bottom] = [Math.min(top, row), row];
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      mass += value;
      x += value * (column + 0.5);
      y += value * (row + 0.5);
    }
  }
  if (!mass) return AS_IT_IS;
  const scale = Math.min(MOST, (BOX * FINE) / Math.max(bottom - top + 1, right - left + 1));
  return { scale, left: MIDDLE - (scale * x) / mass / FINE, top: MIDDLE - (scale * y) / mass / FINE };
}

/** The drawing as the network's pixels: each is the mean of the fine pixels that lie under it. */
export function sample(fine, [height, width, channels], { scale, left, top }) {
  const columns = spans(width, left, scale, width * FINE), rows = spans(height, top, scale, height * FINE);
  const across = new Float64Array(height * FINE * width * channels), area = (FINE / scale) ** 2;
  for (let row = 0; row < height * FINE; row++) {
    add(across, row * width * channels, channels, columns, fine, row * width * FINE * channels);
  }
  const image = new Float64Array(height * width * channels);
  add(image, 0, width * channels, rows, across, 0);
  return Float32Array.from(image, value => value / area);
}

/** For each pixel the fine ones under it: the first, and how much of it and of each that follows. */
function spans(count, offset, scale, most) {
  return Array.from({ length: count }, (_, pixel) => {
    const start = ((pixel - offset) * FINE) / scale, end = start + FINE / scale;
    const first = Math.max(0, Math.floor(start)), last = Math.min(most, Math.ceil(end));
    const parts = [];
    for (let at = first; at < last; at++) parts.push(Math.min(end, at + 1) - Math.max(start, at));
    return { first, parts };
  });
}

/** Sums over spans of groups of `size` numbers. */
function add(target, to, size, spansOf, source, from) {
  for (let pixel = 0, out = to; pixel < spansOf.length; pixel++, out += size) {
    const { first, parts } = spansOf[pixel];
    for (let i = 0, at = from + first * size; i < parts.length; i++, at += size) {
      for (let c = 0; c < size; c++) target[out + c] += parts[i] * source[at + c];
    }
  }
}
