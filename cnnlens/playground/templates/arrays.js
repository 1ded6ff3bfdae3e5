// Arrays that came with the page: base64 of compressed bytes, and a table that says where each array lies in them.

/** From the text and the table to {name: typed array, with its shape as .shape}. */
export async function unpack(text, table) {
  const packed = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  const arrays = {};
  for (const [name, [kind, first, shape]] of Object.entries(table)) {
    const Kind = kind === "float32" ? Float32Array : Uint8Array;
    arrays[name] = Object.assign(new Kind(bytes, first, shape.reduce((a, b) => a * b, 1)), { shape });
  }
  return arrays;
}

/** One of many images of bytes, as the numbers in [0, 1] that a network is shown. */
export function imageOf(images, number) {
  const size = images.length / images.shape[0];
  return Float32Array.from(images.subarray(number * size, (number + 1) * size), byte => byte / 255);
}
