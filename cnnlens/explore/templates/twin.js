// Wakes every twin of an explorer that stands on the page and sleeps: controls over frames that were rendered ahead.
for (const root of document.querySelectorAll(".cnnlens-twin:not(.awake)")) {
  root.classList.add("awake");
  const told = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const make = (kind, given = {}, into = null) => {
    const made = Object.assign(document.createElement(kind), given);
    into?.append(made);
    return made;
  };

  // A frame: {tiles, wide, high, words, at}; at[c] is the pair (range, place) of control c. A range is a list of words.
  let now = told.frames[0];
  const said = (frame, c) => told.ranges[frame.at[c][0]][frame.at[c][1]];
  const offered = c => [...new Set(told.frames.filter(frame => frame.at[c][0] === now.at[c][0])
    .map(frame => frame.at[c][1]))].sort((a, b) => a - b);
  const far = (frame, c) => said(frame, c) === said(now, c) ? 0
    : 1 + Math.abs(frame.at[c][1] - now.at[c][1]) / told.ranges[frame.at[c][0]].length;

  // The frame nearest to the one shown among those that have control c at a place; what else had to move is told.
  const move = (c, place) => {
    const distance = frame => told.controls.reduce((sum, _, other) => other === c ? sum : sum + far(frame, other), 0);
    const next = told.frames.filter(frame => frame.at[c][0] === now.at[c][0] && frame.at[c][1] === place)
      .map(frame => [distance(frame), frame]).reduce((best, each) => each[0] < best[0] ? each : best)[1];
    const moved = told.controls.map((_, other) => other)
      .filter(other => other !== c && said(next, other) !== said(now, other)
        && told.ranges[next.at[other][0]].includes(said(now, other)));
    const list = frame => moved.map(other => `${told.controls[other].name} ${said(frame, other)}`).join(", ");
    note.textContent = moved.length
      ? `Not rendered ahead: ${told.controls[c].name} ${said(next, c)} with ${list(now)}; shown with ${list(next)}. `
        + "The notebook has every combination." : "";
    now = next;
    show();
  };

  // controls
  const dials = told.controls.map((control, c) => {
    const row = make("div", {className: "dial"}, root.querySelector(".dials"));
    const label = make("label", {}, row);
    make("span", {textContent: control.name}, label);
    if (control.kind === "check") {
      const box = make("input", {type: "checkbox"}, label);
      box.addEventListener("change", () => move(c, Number(box.checked)));
      return () => {
        box.checked = now.at[c][1] === 1;
        box.disabled = offered(c).length < 2;
      };
    }
    const range = make("input", {type: "range", min: 0, step: 1}, label);
    const list = make("select", {ariaLabel: `${control.name}, list`}, row);
    if (control.play) player(control, range, row);
    const few = make("span", {className: "few"}, row);
    range.addEventListener("input", () => move(c, offered(c)[range.value]));
    list.addEventListener("change", () => move(c, Number(list.value)));
    let shown = "";
    return () => {
      const places = offered(c), words = told.ranges[now.at[c][0]];
      if (shown !== `${now.at[c][0]}`) {
        list.replaceChildren(...places.map(place => make("option", {value: place, textContent: words[place]})));
        shown = `${now.at[c][0]}`;
      }
      range.max = Math.max(1, places.length - 1);
      range.value = places.indexOf(now.at[c][1]);
      range.ariaValueText = said(now, c);
      list.value = now.at[c][1];
      range.disabled = list.disabled = places.length < 2;
      few.textContent = places.length < words.length ? `${places.length} of ${words.length} rendered` : "";
    };
  });

  function player(control, range, row) {
    const button = make("button", {type: "button", textContent: "Play", ariaLabel: `Play ${control.name}`}, row);
    let timer = null;
    const stop = () => {
      clearInterval(timer);
      [timer, button.textContent] = [null, "Play"];
    };
    const go = place => {
      range.value = place;
      range.dispatchEvent(new Event("input"));
    };
    button.addEventListener("click", () => {
      if (timer) return stop();
      if (range.value === range.max) go(0);
      button.textContent = "Stop";
      timer = setInterval(() => {
        go(Number(range.value) + 1);
        if (range.value === range.max) stop();
      }, control.play);
    });
  }

  // the picture is put together from tiles; until somebody moves a control, it is the one that came with the page
  const stage = root.querySelector(".stage"), words = root.querySelector(".words");
  const note = make("p", {className: "note"}, root.querySelector(".said").parentElement.insertBefore(
    make("div", {className: "said", role: "status"}), stage));
  const longest = told.frames.map(frame => frame.words).reduce((a, b) => b.length > a.length ? b : a);
  for (const [beside, text] of [[words, longest], [note, told.longest]]) {  // room, so that nothing jumps
    make("p", {className: "ghost", innerText: text, ariaHidden: "true"}, beside.parentElement);
  }
  const canvas = make("canvas"), sheet = make("img");
  canvas.setAttribute("role", "img");
  const show = async () => {
    dials.forEach(update => update());
    words.innerText = now.words;
    if (!sheet.src) sheet.src = `data:image/webp;base64,${told.sheet}`;
    const frame = now;
    await sheet.decode();
    if (frame !== now) return;
    [canvas.width, canvas.height, canvas.ariaLabel] = [frame.wide, frame.high, frame.words];
    canvas.style.width = `${100 * frame.wide / told.wide}%`;
    const pen = canvas.getContext("2d"), side = told.side, across = Math.ceil(frame.wide / side);
    frame.tiles.forEach((tile, i) => pen.drawImage(
      sheet, tile % told.across * side, Math.floor(tile / told.across) * side, side, side,
      i % across * side, Math.floor(i / across) * side, side, side));
    if (!canvas.isConnected) stage.replaceChildren(canvas);
  };
  dials.forEach(update => update());
}
