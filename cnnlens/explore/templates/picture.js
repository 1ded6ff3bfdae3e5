// One picture, or several that wrap; the first has the alternative text of all, which a picture of ipywidgets 8 lacks.
function render({model, el}) {
  const release = picture => picture.src && URL.revokeObjectURL(picture.src);
  const show = () => {
    const parts = model.get("parts");
    while (el.children.length < parts.length) el.append(new Image());
    while (el.children.length > parts.length) {
      release(el.lastChild);
      el.lastChild.remove();
    }
    parts.forEach((part, i) => {
      const picture = el.children[i];
      release(picture);
      picture.alt = i ? "" : model.get("alt");
      picture.src = URL.createObjectURL(new Blob([part], {type: "image/png"}));
    });
  };
  model.on("change", show);
  show();
  return () => [...el.children].forEach(release);
}
export default {render};
