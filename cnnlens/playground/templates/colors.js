// Colors for numbers. Both scales are mixed in OKLab (Ottosson 2020), in which equal steps look equally large: lightness
// grows evenly from nothing to strong, so a bright spot is a high value also for who sees no hues, and in print.

// stops as lightness, chroma, hue
const SEQUENTIAL = [[0.16, 0.025, 275], [0.32, 0.095, 282], [0.49, 0.115, 255], [0.65, 0.105, 215], [0.82, 0.1, 165], [0.98, 0.045, 105]];
const BELOW = [[0.97, 0.004, 90], [0.8, 0.075, 245], [0.62, 0.13, 250], [0.4, 0.13, 262]];
const ABOVE = [[0.97, 0.004, 90], [0.83, 0.085, 60], [0.66, 0.16, 42], [0.44, 0.15, 30]];

/** Lightness, chroma and hue in degrees to OKLab's lightness, a (green to red) and b (blue to yellow). */
function lab([lightness, chroma, hue]) {
  const angle = (hue * Math.PI) / 180;
  return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
}

/** OKLab to red, green and blue in 0 to 255. */
function rgb([lightness, a, b]) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map(light => {
    const linear = Math.min(1, Math.max(0, light));
    return Math.round(255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055));
  });
}

/** The color at a share t in [0, 1] of the way through stops that lie evenly. */
function between(stops, t) {
  const place = t * (stops.length - 1), first = Math.min(Math.floor(place), stops.length - 2), part = place - first;
  const [from, to] = [lab(stops[first]), lab(stops[first + 1])];
  return rgb(from.map((value, i) => value + (to[i] - value) * part));
}

/** 256 colors as numbers that can be written into an image of 32 bits a pixel, and as CSS. */
function table(colorAt) {
  const colors = Array.from({ length: 256 }, (_, i) => colorAt(i / 255));
  return {
    pixels: Uint32Array.from(colors, ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0),
    css: colors.map(([r, g, b]) => `rgb(${r} ${g} ${b})`),
  };
}

export const UNSIGNED = table(t => between(SEQUENTIAL, t));
export const SIGNED = table(t => (t < 0.5 ? between(BELOW, 1 - 2 * t) : between(ABOVE, 2 * t - 1)));

/** Which of 256 colors stands for a value: 0 to `most`, or −most to most. */
export function shade(value, most, signed) {
  const part = signed ? 0.5 + value / most / 2 : value / most;
  return part <= 0 ? 0 : part >= 1 ? 255 : Math.round(part * 255);
}

/** One channel of a map (flat, `deep` channels) drawn into a canvas of as many pixels. */
export function paintMap(canvas, values, deep, channel, most, signed) {
  const context = (canvas.context ??= canvas.getContext("2d"));
  const image = (canvas.image ??= context.createImageData(canvas.width, canvas.height));
  const pixels = (canvas.pixels ??= new Uint32Array(image.data.buffer));
  const colors = (signed ? SIGNED : UNSIGNED).pixels;
  for (let i = 0, at = channel; i < pixels.length; i++, at += deep) pixels[i] = colors[shade(values[at], most, signed)];
  context.putImageData(image, 0, 0);
}

/** An image of bytes or of numbers in [0, 1], grey or RGB, drawn into a canvas of as many pixels. */
export function paintImage(canvas, values, channels) {
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  const most = values instanceof Uint8Array ? 1 : 255;
  for (let i = 0; i < image.data.length / 4; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = values[i * channels + (channels === 1 ? 0 : c)] * most;
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** Weights as small tiles side by side in one canvas, one for each channel that a kernel reads. */
export function paintKernel(canvas, tiles, high, wide, across, most) {
  canvas.width = across * (wide + 1) - 1;
  canvas.height = Math.ceil(tiles.length / across) * (high + 1) - 1;
  const context = canvas.getContext("2d");
  tiles.forEach((tile, number) => {
    const [left, top] = [(number % across) * (wide + 1), Math.floor(number / across) * (high + 1)];
    tile.forEach((weight, i) => {
      context.fillStyle = SIGNED.css[shade(weight, most, true)];
      context.fillRect(left + (i % wide), top + Math.floor(i / wide), 1, 1);
    });
  });
}
