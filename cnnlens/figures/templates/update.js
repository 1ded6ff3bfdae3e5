// Runs whenever a control moves: picks the frame, what is right and wrong in it, and which points are to be seen.
const i = slider ? Math.round(slider.value) : 0;
const [data, kept] = [source.data, store.data];
const guess = kept[varying ? `p${i}` : "p0"], truth = kept.truth, n = kept.x0.length;
const chosen = new Set(boxes ? boxes.active : []);
const [good, bad, said] = [new Array(n), new Array(n), new Array(n)];
let seen = 0, mistakes = 0;
for (let j = 0; j < n; j++) {
  const miss = judged && guess[j] != truth[j];
  const here = !boxes || chosen.has(kept.box[j]);
  good[j] = here && !miss && !(only && only.active);
  bad[j] = here && miss;
  said[j] = guess[j] < 0 ? "" : `predicted ${answers[guess[j]]}${miss ? " ✗" : ""}`;
  seen += good[j] || bad[j]; mistakes += bad[j];
}
data.said = said;
right.booleans = good; wrong.booleans = bad;
title.text = titles[i];
if (slider) slider.title = `${i + 1} of ${titles.length}: ${titles[i]}`;
if (slider) cnnlensName(slider.title);
const count = judged ? `${seen} points, ${mistakes} mistakes` : `${seen} points`;
note.text = `<span role="status">${count}${notes[i] ? "<br>" + cnnlensText(notes[i]) : ""}</span>`;

const [fromX, fromY] = [data.x.slice(), data.y.slice()], [toX, toY] = [kept[`x${i}`], kept[`y${i}`]];
const names = spots.data, [nfx, nfy] = [Array.from(names.x), Array.from(names.y)], [ntx, nty] = [spotx[i], spoty[i]];
const still = fromX.every((x, j) => x === toX[j]);
window.cnnlensMove = (window.cnnlensMove || 0) + 1;
const mine = window.cnnlensMove, began = performance.now(), span = still ? 0 : 450;
function step(now) {
  if (mine !== window.cnnlensMove) return;
  const part = span ? Math.min(1, Math.max(0, (now - began) / span)) : 1, ease = part * part * (3 - 2 * part);
  for (let j = 0; j < n; j++) {
    data.x[j] = part < 1 ? fromX[j] + ease * (toX[j] - fromX[j]) : toX[j];
    data.y[j] = part < 1 ? fromY[j] + ease * (toY[j] - fromY[j]) : toY[j];
  }
  names.x = nfx.map((x, k) => x + ease * (ntx[k] - x)); names.y = nfy.map((y, k) => y + ease * (nty[k] - y));
  source.change.emit(); spots.change.emit();
  if (part < 1) requestAnimationFrame(step);
  else window.cnnlensFrame = i;
}
step(began);
