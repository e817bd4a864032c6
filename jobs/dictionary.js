"use strict";
// Every word that is typed must stand in a row, or in the name and meaning of its table.
const box = document.getElementById("search");
const found = document.getElementById("found");
const layers = [...document.querySelectorAll("input[name=layer]")];
const tables = [...document.querySelectorAll("details")].map((element) => ({
  element,
  layer: element.dataset.layer,
  text: element.dataset.text,
  rows: [...element.querySelectorAll("tbody tr")].map((row) => ({ row, text: row.textContent.toLowerCase() })),
}));

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = new Set(layers.filter((each) => each.checked).map((each) => each.value));
  let shownTables = 0;
  let shownRows = 0;
  for (const table of tables) {
    const byName = words.every((word) => table.text.includes(word));
    let rows = 0;
    for (const { row, text } of table.rows) {
      const met = byName || words.every((word) => text.includes(word) || table.text.includes(word));
      row.hidden = !met;
      rows += met ? 1 : 0;
    }
    const shown = wanted.has(table.layer) && (rows > 0 || byName);
    table.element.hidden = !shown;
    table.element.open = shown && words.length > 0 && !byName;
    shownTables += shown ? 1 : 0;
    shownRows += shown ? rows : 0;
  }
  for (const layer of document.querySelectorAll(".layer")) {
    layer.hidden = !layer.querySelector("details:not([hidden])");
  }
  const nothing = "Nothing found: try another word, part of a code, or another layer.";
  found.textContent = shownTables ? `${plural(shownTables, "table")}, ${plural(shownRows, "column")}` : nothing;
}

// A link to a table or a column opens what it points into.
function follow() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const table = target && target.closest("details");
  if (!table) return;
  box.value = "";
  layers.forEach((each) => (each.checked = true));
  search();
  table.open = true;
  target.scrollIntoView();
}

box.addEventListener("input", search);
layers.forEach((each) => each.addEventListener("change", search));
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    document.querySelector("details:not([hidden]) > summary")?.focus();
  } else if (event.key === "Escape") {
    box.value = "";
    search();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== box) {
    event.preventDefault();
    box.focus();
    box.select();
  }
});
window.addEventListener("hashchange", follow);
document.querySelector(".ask").hidden = false;
search();
follow();
