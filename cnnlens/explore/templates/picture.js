// A picture with its alternative text, which that of ipywidgets 8 lacks.
function render({model, el}) {
  const picture = new Image();
  const show = () => {
    const before = picture.src;
    picture.alt = model.get("alt");
    picture.src = URL.createObjectURL(new Blob([model.get("value")], {type: "image/png"}));
    if (before) URL.revokeObjectURL(before);
  };
  model.on("change", show);
  show();
  el.append(picture);
  return () => URL.revokeObjectURL(picture.src);
}
export default {render};
