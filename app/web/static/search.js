// Puts the caret where a query went wrong, and the keyboard where one types.

const box = document.querySelector("#q");
const at = Number(box.dataset.errorAt);

if (box.dataset.errorAt !== undefined) {
  // The page counts characters, the browser UTF-16 units.
  const characters = [...box.value];
  const start = characters.slice(0, at).join("").length;
  const end = characters.slice(0, at + Number(box.dataset.errorLength)).join("").length;
  box.focus();
  box.setSelectionRange(start, end);
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  box.focus();
  box.select();
});
