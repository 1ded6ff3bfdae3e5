// Search for classes, layers, and units. The index is read when one begins to type: no page waits for it.
"use strict";
{
  const up = document.currentScript.dataset.up;
  const box = document.getElementById("search"), list = document.getElementById("found");
  let asked = false;

  function read() {
    if (asked) return;
    asked = true;
    const script = document.createElement("script"); // a page opened from the disk may load scripts, but not fetch
    script.src = up + "search-index.js";
    script.onload = show;
    document.head.append(script);
  }

  const plain = text => text.toLowerCase().replace(/[\s_-]+/g, " ").trim();
  const begins = (text, wanted) => (text.startsWith(wanted) ? 0 : text.includes(" " + wanted) ? 1 : text.includes(wanted) ? 2 : 9);

  function hits(typed) {
    const wanted = plain(typed), { layers, classes } = window.microscope, found = [];
    if (!wanted) return found;
    const unit = typed.trim().match(/^(.*?)[\s/#,]+(?:unit\s+)?(\d+)$/i) ?? typed.trim().match(/^()(\d+)$/);
    for (const [path, slug, units] of layers) {
      const rank = begins(plain(path), wanted);
      if (rank < 9) found.push([rank, path, `${units.length} units`, `layers/${slug}.html`]);
      const layer = unit && begins(plain(path), plain(unit[1]));
      if (unit && layer < 9 && units.includes(+unit[2]))
        found.push([layer - (plain(path) === plain(unit[1])), `${path} ${unit[2]}`, "unit", `units/${slug}/${unit[2]}.html`]);
    }
    for (const [name, page, count] of classes) {
      const rank = begins(plain(name), wanted);
      if (rank < 9) found.push([rank, name, `${count} units fire for it`, `classes/${page}.html`]);
    }
    return found.sort((a, b) => a[0] - b[0]).slice(0, 12);
  }

  function show() {
    if (!window.microscope) return;
    const found = hits(box.value);
    list.replaceChildren(...found.map(([, name, what, address]) => {
      const item = document.createElement("li"), link = document.createElement("a"), small = document.createElement("small");
      link.href = up + address;
      link.textContent = name + " ";
      small.textContent = what;
      link.append(small);
      item.append(link);
      return item;
    }));
    if (!found.length && box.value.trim()) {
      const item = document.createElement("li");
      item.textContent = "Nothing is called so.";
      list.append(item);
    }
    list.hidden = !list.children.length;
  }

  box.addEventListener("focus", read);
  box.addEventListener("input", () => (read(), show()));
  box.form.addEventListener("submit", event => {
    event.preventDefault();
    list.querySelector("a")?.click();
  });
  box.form.addEventListener("keydown", event => {
    const links = [...list.querySelectorAll("a")], at = links.indexOf(document.activeElement);
    if (event.key === "Escape") { list.hidden = true; box.focus(); }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || list.hidden) return;
    event.preventDefault();
    (links[at + step] ?? box).focus();
  });
  document.addEventListener("click", event => { if (!box.form.contains(event.target)) list.hidden = true; });
  document.addEventListener("keydown", event => {
    if (event.key === "/" && document.activeElement !== box) { event.preventDefault(); box.focus(); }
    const step = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    if (step && document.activeElement.tagName !== "INPUT") document.querySelector(`a[rel=${step}]`)?.click();
  });
}
