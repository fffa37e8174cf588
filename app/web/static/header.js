// Filters the header while one types. Where the page shows only a part of the header, the server filters instead.

const table = document.querySelector("[data-header]");
const box = document.querySelector("#filter");
const count = document.querySelector("#header-count");
const before = count.innerHTML;
let open = null; // the items that were open before the filter opened others

function show(row, wanted) {
  const text = row.textContent.toLowerCase();
  const fits = text.includes(wanted) || text.replace(/[(),]/g, "").includes(wanted);
  row.hidden = !fits;
  return fits;
}

function filter() {
  const wanted = box.value.trim().toLowerCase();
  if (wanted && !open) open = new Set(table.querySelectorAll("details[open]"));
  const rows = [...table.querySelectorAll("tr.element, tr.sequence")];
  if (!wanted) {
    for (const hidden of table.querySelectorAll("[hidden]")) hidden.hidden = false;
    for (const part of table.querySelectorAll("details")) part.open = open ? open.has(part) : part.open;
    open = null;
    count.innerHTML = before;
    return;
  }
  const found = rows.filter((row) => show(row, wanted));
  for (const part of table.querySelectorAll("tr.inside, details")) part.hidden = true;
  for (const row of found.filter((each) => each.classList.contains("sequence"))) {
    // Of a sequence that fits, all that is inside.
    const inside = row.nextElementSibling;
    for (const part of [inside, ...inside.querySelectorAll("[hidden]")]) part.hidden = false;
    for (const part of inside.querySelectorAll("details")) part.open = true;
  }
  for (const row of found) {
    for (let part = row.parentElement.closest("tr.inside, details"); part; part = part.parentElement.closest("tr.inside, details")) {
      part.hidden = false;
      if (part.matches("details")) part.open = true;
      else part.previousElementSibling.hidden = false;
    }
  }
  count.textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} elements match “${box.value.trim()}”`;
}

if (!("partial" in table.dataset)) {
  box.addEventListener("input", filter);
  box.form.addEventListener("submit", (event) => event.preventDefault());
  box.form.querySelector("button").hidden = true;
}
