"use strict";
// Sorts and filters the table of trials. Without it the table is there all the same.
(() => {
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows];

  // Numbers before texts, and what is absent behind both, whichever way it is sorted.
  function compare(a, b, direction) {
    const [x, y] = [a, b].map((cell) => cell.dataset.number);
    if (x !== undefined && y !== undefined) return direction * (x - y);
    if (x !== undefined || y !== undefined) return x !== undefined ? -1 : 1;
    const [s, t] = [a, b].map((cell) => cell.textContent);
    const [noS, noT] = [s, t].map((text) => text === "" || text === "–");
    if (noS || noT) return noS - noT;
    return direction * s.localeCompare(t, undefined, { numeric: true });
  }

  function sortBy(column) {
    const head = heads[column];
    // The best scores first; all else from the least.
    const first = head.dataset.first;
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    for (const one of heads) one.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", order);
    const direction = order === "ascending" ? 1 : -1;
    rows.sort((a, b) => compare(a.cells[column], b.cells[column], direction));
    body.append(...rows);
  }

  heads.forEach((head, column) => {
    head.dataset.first ??= "ascending";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(column));
    head.replaceChildren(button);
  });

  const filter = document.createElement("div");
  filter.className = "filter";
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "Filter: every word must be in the row";
  input.setAttribute("aria-label", "Filter the trials");
  const count = document.createElement("output");
  filter.append(input, count);
  table.parentElement.before(filter);

  const texts = new Map(
    rows.map((row) => [
      row,
      [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase(),
    ])
  );
  function show() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const isShown = words.every((word) => texts.get(row).includes(word));
      row.hidden = !isShown;
      shown += isShown;
    }
    count.value = `${shown} of ${rows.length} trials`;
  }
  input.addEventListener("input", show);
  show();
})();
