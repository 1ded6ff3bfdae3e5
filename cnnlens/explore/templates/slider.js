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
}
export default {render};
