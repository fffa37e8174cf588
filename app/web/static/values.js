// What can be done with a value, beside the links that are there without scripts: copy it, or the query that finds it.

const table = document.querySelector("[data-header]");

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers offer the clipboard on secure pages only.
  const box = document.createElement("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  if (!done) throw new Error("the browser does not copy");
}

function button(label, text) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", async () => {
    made.textContent = await copy(text).then(() => "Copied", () => "Not allowed");
    setTimeout(() => (made.textContent = label), 1500);
  });
  return made;
}

function complete(acts) {
  const line = acts.querySelector("p");
  if (line.querySelector("button")) return;
  const value = acts.parentElement.querySelector(".v");
  if (value?.textContent && !("cut" in value.dataset)) line.append(button("Copy value", value.textContent));
  line.append(button("Copy query", acts.dataset.query));
}

function close(except) {
  for (const other of table.querySelectorAll(".acts[open]")) if (other !== except) other.open = false;
}

if (table) {
  table.addEventListener("toggle", (event) => {
    if (!event.target.matches(".acts") || !event.target.open) return;
    complete(event.target);
    close(event.target);
  }, { capture: true }); // toggle does not bubble
  document.addEventListener("click", (event) => close(event.target.closest(".acts")));
  table.addEventListener("keydown", (event) => {
    const acts = event.key === "Escape" && event.target.closest(".acts[open]");
    if (!acts) return;
    acts.open = false;
    acts.querySelector("summary").focus();
  });
}
