// The one loop in which nearly all time is spent: sums of rows of weights, each row times a value that was seen.
//
// In plain JavaScript it is the four lines of addUpPlainly. Processors can do four such products at once, and JavaScript has
// no words for that, but WebAssembly has: the same loop is assembled here, instruction by instruction, into a module of
// about 200 bytes. Where a browser cannot run it, the plain one takes its place, and only the time differs.

export const LANES = 16; // sums are computed so many at once: weights are padded to a multiple of it

/**
 * Room for the numbers of the network, and the loop over them. A module can only see its own memory, so whatever the
 * loop reads or writes is kept there.
 *
 * @param bytes that all arrays together need, at most
 * @returns {floats, ints: functions from a length to an array of zeros, addUp, kind}
 */
export function makeRoom(bytes, plainly = false) {
  const pages = Math.ceil(bytes / 65536) + 1, memory = new WebAssembly.Memory({ initial: pages });
  let used = 0;
  const take = Kind => length => {
    const array = new Kind(memory.buffer, used, length);
    used += 4 * Math.ceil(length / LANES) * LANES;
    return array;
  };
  const room = { floats: take(Float32Array), ints: take(Int32Array) };
  try {
    if (plainly) throw new Error("asked for");
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assembled()), { page: { memory } });
    const addUp = (sum, seen, place, count) =>
      exports.addUp(sum.byteOffset, seen.byteOffset, place.byteOffset, seen.byteOffset + 4 * count, sum.byteOffset + 4 * sum.length);
    return { ...room, addUp, kind: "WebAssembly" };
  } catch {
    const all = new Float32Array(memory.buffer);
    return { ...room, addUp: (sum, seen, place, count) => addUpPlainly(all, sum, seen, place, count), kind: "JavaScript" };
  }
}

/** `place` says at which byte of the memory the row of weights begins that belongs to each value seen. */
function addUpPlainly(all, sum, seen, place, count) {
  for (let n = 0; n < count; n++) {
    for (let u = 0, value = seen[n], row = place[n] / 4; u < sum.length; u++) sum[u] += value * all[row + u];
  }
}

/** The module: for each sixteen sums, go through all values seen; four registers hold four sums each meanwhile. */
function assembled() {
  const I32 = 0x7f, V128 = 0x7b, [SUM, SEEN, PLACE, SEEN_END, SUM_END, OFFSET, S, P, ROW, VALUE, FIRST] = Array.from({ length: 11 }, (_, i) => i);
  const get = local => [0x20, local], set = local => [0x21, local], tee = local => [0x22, local];
  const add = number => [0x41, ...(number < 64 ? [number] : [number | 0x80, 0]), 0x6a]; // i32.const, i32.add
  const four = (what) => [0, 1, 2, 3].flatMap(what), below = [0x49], fromThen = [0x4f];
  const load = offset => [0xfd, 0x00, 2, offset], splat = [0xfd, 0x09, 2, 0], store = offset => [0xfd, 0x0b, 2, offset];
  const times = [0xfd, 0xe6, 0x01], plus = [0xfd, 0xe4, 0x01];
  const loop = (...code) => [0x03, 0x40, ...code.flat(), 0x0b], block = (...code) => [0x02, 0x40, ...code.flat(), 0x0b];
  const again = [0x0d, 0], leave = [0x0d, 0];
  const body = loop(
    four(i => [...get(SUM), ...load(16 * i), ...set(FIRST + i)]),
    get(SEEN), set(S), get(PLACE), set(P),
    block(
      get(S), get(SEEN_END), fromThen, leave,
      loop(
        get(P), [0x28, 2, 0], get(OFFSET), [0x6a], set(ROW), // where these sixteen weights of the row begin
        get(S), splat, set(VALUE),
        four(i => [...get(FIRST + i), ...get(VALUE), ...get(ROW), ...load(16 * i), ...times, ...plus, ...set(FIRST + i)]),
        get(P), add(4), set(P),
        get(S), add(4), tee(S), get(SEEN_END), below, again,
      ),
    ),
    four(i => [...get(SUM), ...get(FIRST + i), ...store(16 * i)]),
    get(OFFSET), add(4 * LANES), set(OFFSET),
    get(SUM), add(4 * LANES), tee(SUM), get(SUM_END), below, again,
  );
  const long = number => [(number & 0x7f) | 0x80, number >> 7]; // a length in two bytes
  const text = words => [words.length, ...[...words].map(letter => letter.charCodeAt(0))];
  const section = (number, ...content) => [number, ...long(content.flat().length), ...content.flat()];
  const code = [2, 4, I32, 5, V128, ...body, 0x0b]; // besides the five parameters: 4 whole numbers, 5 registers of four
  return Uint8Array.from([
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
    section(2, [1], text("page"), text("memory"), [2, 0, 1]),
    section(3, [1, 0]),
    section(7, [1], text("addUp"), [0, 0]),
    section(10, [1], long(code.length), code),
  ].flat());
}
