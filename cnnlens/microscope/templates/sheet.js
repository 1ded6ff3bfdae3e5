// A layer's sheet: another order, or the best patches instead of what was made.
"use strict";
{
  const sheet = document.getElementById("sheet"), cards = [...sheet.children];
  const show = document.getElementById("show"), order = document.getElementById("order");

  function sorted() {
    const key = order.value, sign = key === "unit" ? 1 : -1;
    sheet.append(...cards.sort((a, b) => sign * (a.dataset[key] - b.dataset[key]) || a.dataset.unit - b.dataset.unit));
  }

  function shown() {
    sheet.classList.toggle("best", show.value === "best");
    for (const image of sheet.querySelectorAll("img"))
      image.src = image.src.replace(/(-best)?\.webp$/, show.value === "best" ? "-best.webp" : ".webp");
  }

  order.addEventListener("change", sorted);
  show.addEventListener("change", shown);
  sorted(); // a browser remembers what was chosen when one comes back
  if (show.value === "best") shown();
}
