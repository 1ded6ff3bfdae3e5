// Runs when points are chosen: counts them by class and shows their images, at most so many.
const visible = source.selected.indices.filter(j => right.booleans[j] || wrong.booleans[j]);
const names = source.data.name, counts = new Map();
let mistakes = 0;
for (const j of visible) { counts.set(names[j], (counts.get(names[j]) || 0) + 1); mistakes += wrong.booleans[j]; }
const said = [...counts].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${count} × ${cnnlensText(name)}`).join(", ");
const step = Math.max(1, visible.length / most);
let cells = "";
for (let k = 0; k < visible.length && k / step < most; k = k + 1) {
  if (Math.floor(k / step) === Math.floor((k - 1) / step)) continue;
  const j = visible[k], [col, row] = [j % across, Math.floor(j / across)];
  cells += `<span class="picked" title="${cnnlensText(names[j])}" style="display:inline-block;width:${side}px;height:${side}px;` +
    `margin:1px;image-rendering:pixelated;outline:${wrong.booleans[j] ? "3px solid #d62728" : "none"};outline-offset:-2px;background-image:var(--sheet);` +
    `background-size:${across * side}px auto;background-position:${-col * side}px ${-row * side}px"></span>`;
}
const head = visible.length ? `<b>${visible.length} images:</b> ${said}${judged ? `; ${mistakes} mistakes (framed in red)` : ""}` : hint;
album.text = `<div role="status">${head}</div><div style="line-height:0;margin-top:4px">${cells}</div>`;
