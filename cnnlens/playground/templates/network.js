// A convolutional network, in plain loops. A map is a flat array of numbers: row by row, in each row column by column,
// in each column channel by channel. So value (row r, column q, channel c) of a map that is `wide` columns wide and
// `deep` channels deep stands at ((r * wide) + q) * deep + c. Keras keeps maps and weights in the same order.

import { LANES, makeRoom } from "./sums.js";

const length = shape => shape.reduce((a, b) => a * b, 1);

/** Each kind of step makes, once, a function that computes its output from its input, and keeps its own room to work in. */
const KINDS = {
  /** Every place of the output is a weighted sum of a small window of the input; all places share the weights. */
  convolution(step, [high, wide, deep], weights, room) {
    const [rows, columns, units] = step.shape;
    const [tall, broad] = step.size, [down, across] = step.strides, [top, left] = step.before;
    const { row, seen, place, sum, addUp } = weighing(weights, step, tall * broad * deep, units, room);
    return (input, output) => {
      for (let r = 0, out = 0; r < rows; r++) {
        for (let q = 0; q < columns; q++, out += units) {
          // What the window sees here that is not zero (behind a ReLU, most is), and where its weights begin.
          let count = 0;
          for (let i = 0; i < tall; i++) {
            const y = r * down + i - top;
            if (y < 0 || y >= high) continue;
            for (let j = 0; j < broad; j++) {
              const x = q * across + j - left;
              if (x < 0 || x >= wide) continue;
              const from = (y * wide + x) * deep, weight = (i * broad + j) * deep;
              for (let c = 0; c < deep; c++) {
                if (input[from + c] !== 0) {
                  seen[count] = input[from + c];
                  place[count++] = row(weight + c);
                }
              }
            }
          }
          addUp(count);
          output.set(sum, out);
        }
      }
    };
  },

  /** Every neuron weighs everything. */
  dense(step, shape, weights, room) {
    const units = step.shape[0], inputs = length(shape);
    const { row, seen, place, sum, addUp } = weighing(weights, step, inputs, units, room);
    return (input, output) => {
      let count = 0;
      for (let i = 0; i < inputs; i++) {
        if (input[i] !== 0) {
          seen[count] = input[i];
          place[count++] = row(i);
        }
      }
      addUp(count);
      output.set(sum);
    };
  },

  /** What is negative becomes zero. */
  relu: () => (input, output) => {
    for (let i = 0; i < input.length; i++) output[i] = input[i] > 0 ? input[i] : 0;
  },

  /** Max pooling: of each window the largest value. Zeros that pad a map take no part. */
  largest: (step, shape) => pooling(step, shape, values => values.reduce((a, b) => Math.max(a, b), -Infinity)),

  /** Average pooling. */
  mean: (step, shape) => pooling(step, shape, values => values.reduce((a, b) => a + b, 0) / values.length),

  /** Zeros around a map. */
  pad(step, [high, wide, deep]) {
    const [top, left] = step.before, broad = step.shape[1];
    return (input, output) => {
      for (let r = 0; r < high; r++) {
        output.set(input.subarray(r * wide * deep, (r + 1) * wide * deep), ((r + top) * broad + left) * deep);
      }
    };
  },

  /** A scale and a shift of each channel: batch normalization, and what is done to pixels before they go in. */
  affine(step, shape, weights) {
    const deep = step.order.length, scale = weights[step.weights.scale], shift = weights[step.weights.shift];
    return (input, output) => {
      for (let i = 0; i < input.length; i += deep) {
        for (let c = 0; c < deep; c++) output[i + c] = input[i + step.order[c]] * scale[c] + shift[c];
      }
    };
  },

  /** Probabilities: all positive, together 1. */
  softmax: () => (input, output) => {
    const highest = input.reduce((a, b) => Math.max(a, b));
    let total = 0;
    for (let i = 0; i < input.length; i++) total += output[i] = Math.exp(input[i] - highest);
    for (let i = 0; i < input.length; i++) output[i] /= total;
  },
};

/**
 * Room for a weighted sum of at most `most` values for each of `units` units: what was seen, where the weights of each
 * value begin, the sums, and a function that adds up the first `count` of them, beginning with the bias.
 */
function weighing(weights, step, most, units, room) {
  const kernel = weights[step.weights.kernel], bias = weights[step.weights.bias], broad = padded(units);
  const rows = room.floats(most * broad), all = room.floats(broad), start = room.floats(broad);
  for (let i = 0; i < most; i++) rows.set(kernel.subarray(i * units, (i + 1) * units), i * broad);
  start.set(bias);
  const seen = room.floats(most), place = room.ints(most);
  return {
    seen,
    place,
    sum: all.subarray(0, units),
    row: i => rows.byteOffset + 4 * i * broad,
    addUp(count) {
      all.set(start);
      room.addUp(all, seen, place, count);
    },
  };
}

const padded = count => Math.ceil(count / LANES) * LANES;

/** How many bytes the weights of all steps, and the room to work with them, take at most. */
function bytesOf(steps, arrays) {
  return steps.reduce((sum, step) => {
    if (!step.weights.kernel) return sum;
    const kernel = arrays[step.weights.kernel], units = step.shape.at(-1), most = kernel.length / units;
    return sum + 4 * (most * padded(units) + 2 * padded(units) + 2 * padded(most));
  }, 0);
}

function pooling(step, [high, wide, deep], summary) {
  const [rows, columns] = step.shape.length === 3 ? step.shape : [1, 1];
  const [tall, broad] = step.size, [down, across] = step.strides, [top, left] = step.before;
  return (input, output) => {
    for (let r = 0, out = 0; r < rows; r++) {
      for (let q = 0; q < columns; q++) {
        const [y, end] = [Math.max(0, r * down - top), Math.min(high, r * down - top + tall)];
        const [x, stop] = [Math.max(0, q * across - left), Math.min(wide, q * across - left + broad)];
        const window = new Float32Array((end - y) * (stop - x));
        for (let c = 0; c < deep; c++, out++) {
          for (let i = y, n = 0; i < end; i++) {
            for (let j = x; j < stop; j++) window[n++] = input[(i * wide + j) * deep + c];
          }
          output[out] = summary(window);
        }
      }
    }
  };
}

export class Network {
  /**
   * @param shape of the image: [height, width, channels]
   * @param steps one after another, each {kind, layer, shape, …, weights: {name: name of an array}}
   * @param arrays {name: typed array}
   * @param plainly do without WebAssembly
   */
  constructor(shape, steps, arrays, plainly = false) {
    const room = makeRoom(bytesOf(steps, arrays), plainly);
    this.kind = room.kind;
    this.steps = steps.map((step, number) => {
      const before = number ? steps[number - 1].shape : shape;
      const ends = number + 1 === steps.length || steps[number + 1].layer !== step.layer;
      return { ...step, ends, output: new Float32Array(length(step.shape)), run: KINDS[step.kind](step, before, arrays, room) };
    });
    // the last softmax is a step of its own: what is looked at of the last layer is what goes into it
    const last = this.steps.at(-1);
    if (this.steps.length > 1 && this.steps.at(-2).layer === last.layer) this.steps.at(-2).ends = true;
    this.outputs = {};
    for (const step of this.steps) if (step !== last && step.ends) this.outputs[step.layer] = step.output;
  }

  /**
   * Show an image; the probabilities of the classes. What each layer gave stands in .outputs until the next run.
   *
   * @param image flat, in [0, 1]
   * @param scales {layer: {unit: factor}}: what these units give is multiplied before the next layer sees it
   */
  run(image, scales = {}) {
    let values = image;
    for (const step of this.steps) {
      step.run(values, step.output);
      if (step.ends && scales[step.layer]) scale(step.output, step.shape.at(-1), scales[step.layer]);
      values = step.output;
    }
    return values;
  }
}

function scale(values, units, factors) {
  for (const [unit, factor] of Object.entries(factors)) {
    for (let i = Number(unit); i < values.length; i += units) values[i] *= factor;
  }
}
