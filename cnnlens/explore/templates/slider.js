// A range of the browser's own: it has a name, and says its value in words, which the sliders of ipywidgets 8 do not.
function render({model, el}) {
  const input = document.createElement("input");
  input.type = "range";
  input.setAttribute("data-lm-suppress-shortcuts", "");  // else JupyterLab takes the arrow keys for its cells
  const say = () => {
    const words = model.get("words"), place = Number(input.value);
    input.setAttribute("aria-valuetext", words.length ? words[place] : place);
  };
  const show = () => {
    input.ariaLabel = model.get("name");
    for (const limit of ["min", "max", "step"]) input[limit] = model.get(limit);
    input.value = model.get("value");
    input.disabled = model.get("disabled");
    say();
  };
  const tell = () => {
    if (model.get("value") === Number(input.value)) return;
    model.set("value", Number(input.value));
    model.save_changes();
  };
  input.addEventListener("input", say);
  input.addEventListener(model.get("live") ? "input" : "change", tell);
  model.on("change", show);
  show();
  el.append(input);
  if (model.get("play")) return player(input, el, model);
}

// A button that takes the slider from step to step until its end; the function that stops it.
function player(input, el, model) {
  const button = document.createElement("button");
  button.className = "jupyter-button";
  button.setAttribute("data-lm-suppress-shortcuts", "");
  let timer = 0;
  const go = value => {
    input.value = value;
    input.dispatchEvent(new Event("input"));
    input.dispatchEvent(new Event("change"));
  };
  const turn = on => {
    clearInterval(timer);
    timer = on ? setInterval(step, model.get("play")) : 0;
    button.textContent = on ? "■ Pause" : "▶ Play";
  };
  const step = () => {
    if (Number(input.value) >= Number(input.max)) turn(false);
    else go(Number(input.value) + Number(input.step));
  };
  button.addEventListener("click", () => {
    if (!timer && Number(input.value) >= Number(input.max)) go(input.min);
    turn(!timer);
  });
  turn(false);
  el.append(button);
  return () => clearInterval(timer);
}
export default {render};
