// The header as a tree: filtered while one types, opened and closed as a whole or by arrow keys, and walked from match to
// match. Where the page shows only a part of the header, the server filters instead.

const table = document.querySelector("[data-header]");
const box = document.querySelector("#filter");
const count = document.querySelector("#header-count");
const before = [...count.childNodes];
const texts = new WeakMap(); // what a row is found by
let open = null; // the items that were open before the filter opened others

const items = () => table.querySelectorAll("details:not(.acts)");

function textOf(row) {
  if (!texts.has(row)) {
    const cells = [...row.querySelectorAll(":scope > .tag-cell, :scope > th, :scope > .value > .v, :scope > .value > small")];
    const text = cells.map((cell) => cell.textContent).join(" ").toLowerCase();
    texts.set(row, `${text} ${cells[0].textContent.replace(/[(),]/g, "").toLowerCase()}`);
  }
  return texts.get(row);
}

function show(row, wanted) {
  row.hidden = !textOf(row).includes(wanted);
  return !row.hidden;
}

function filter() {
  const wanted = box.value.trim().toLowerCase();
  if (wanted && !open) open = new Set([...items()].filter((item) => item.open));
  const rows = [...table.querySelectorAll("tr.element, tr.sequence")];
  if (!wanted) {
    for (const hidden of table.querySelectorAll("[hidden]")) hidden.hidden = false;
    for (const part of items()) part.open = open ? open.has(part) : part.open;
    open = null;
    count.replaceChildren(...before);
    return;
  }
  const found = rows.filter((row) => show(row, wanted));
  for (const part of table.querySelectorAll("tr.inside")) part.hidden = true;
  for (const part of items()) part.hidden = true;
  for (const row of found.filter((each) => each.classList.contains("sequence"))) {
    // Of a sequence that fits, all that is inside.
    const inside = row.nextElementSibling;
    for (const part of [inside, ...inside.querySelectorAll("[hidden]")]) part.hidden = false;
    for (const part of inside.querySelectorAll("details:not(.acts)")) part.open = true;
  }
  for (const row of found) reveal(row);
  count.textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} elements match “${box.value.trim()}”`;
}

// Opens and shows all that is around a row.
function reveal(row) {
  for (let part = around(row); part; part = around(part)) {
    part.hidden = false;
    if (part.matches("details")) part.open = true;
    else part.previousElementSibling.hidden = false;
  }
}

function around(part) {
  return part.parentElement.closest("tr.inside, details");
}

if (table && !("partial" in table.dataset)) {
  box.addEventListener("input", filter);
  box.form.addEventListener("submit", (event) => event.preventDefault());
  box.form.querySelector("button").hidden = true;
}

if (table && items().length) {
  const tools = document.querySelector("[data-tree]");
  tools.hidden = false;
  for (const [name, wanted] of [["[data-expand]", true], ["[data-collapse]", false]]) {
    tools.querySelector(name).addEventListener("click", () => {
      for (const item of items()) item.open = wanted;
    });
  }
  // As in trees elsewhere: right opens, or goes to the first item inside; left closes, or goes to the item around.
  table.addEventListener("keydown", (event) => {
    const item = event.target.matches("summary") && event.target.parentElement;
    if (!item || item.matches(".acts") || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowRight") {
      if (item.open) item.querySelector(":scope > table details:not(.acts) > summary")?.focus();
      item.open = true;
    } else if (event.key === "ArrowLeft") {
      if (item.open) item.open = false;
      else item.parentElement.closest("details")?.querySelector(":scope > summary").focus();
    } else return;
    event.preventDefault();
  });
}

// From match to match, in rows that may be inside closed items.
const bar = document.querySelector("[data-matches] .matches-links");
const matches = table ? [...table.querySelectorAll(".match")] : [];
if (bar && matches.length) {
  let at = -1;
  const place = document.createElement("span");
  place.setAttribute("aria-live", "polite");

  function go(step) {
    matches[at]?.classList.remove("here");
    at = (at + step + matches.length) % matches.length;
    const row = matches[at];
    row.hidden = false;
    reveal(row);
    row.classList.add("here");
    row.scrollIntoView({ block: "center" });
    place.textContent = `${(at + 1).toLocaleString("en")} of ${matches.length.toLocaleString("en")}`;
  }

  function button(text, label, step) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button";
    made.textContent = text;
    made.ariaLabel = label;
    made.addEventListener("click", () => go(step < 0 && at < 0 ? 0 : step));
    return made;
  }

  bar.querySelector("[data-first]").hidden = true;
  bar.prepend(button("↑", "Previous match", -1), button("↓", "Next match", 1), place);
  table.addEventListener("click", (event) => {
    const link = event.target.closest(".next-match");
    if (!link) return;
    event.preventDefault();
    matches[at]?.classList.remove("here");
    at = matches.indexOf(link.closest(".match"));
    go(1);
  });
}
