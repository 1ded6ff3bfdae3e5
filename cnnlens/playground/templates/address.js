// The page's address says what it shows: #digit=4&unit=conv2/7&set=conv2/7:0&task=4-9&theme=dark

/** From the text behind # to {digit, unit: {layer, unit}, set: [{layer, unit, factor}], task: [from, to], theme}. */
export function read(text) {
  const given = new URLSearchParams(text.replace(/^#/, ""));
  return {
    digit: given.get("digit"),
    theme: given.get("theme"),
    task: given.get("task")?.match(/^(.+)-(.+)$/)?.slice(1) ?? null,
    unit: unitNamed(given.get("unit") ?? ""),
    set: (given.get("set") ?? "").split(",").flatMap(entry => {
      const [words, factor] = entry.split(":"), found = unitNamed(words);
      return found && factor !== "" && Number(factor) >= 0 ? [{ ...found, factor: Math.min(2, Number(factor)) }] : [];
    }),
  };
}

/** conv2/7 is unit 7 of layer conv2; layers may have a / in their names themselves. */
function unitNamed(words) {
  const found = words.match(/^(.+)\/(\d+)$/);
  return found && { layer: found[1], unit: Number(found[2]) };
}

/** The address of what is shown. */
export function write({ digit, unit, set, task, theme }) {
  const parts = [];
  if (digit) parts.push(`digit=${encodeURIComponent(digit)}`);
  if (unit) parts.push(`unit=${unit.layer}/${unit.unit}`);
  if (set.length) parts.push(`set=${set.map(each => `${each.layer}/${each.unit}:${each.factor}`).join(",")}`);
  if (task) parts.push(`task=${task.join("-")}`);
  if (theme) parts.push(`theme=${theme}`);
  return parts.join("&");
}
