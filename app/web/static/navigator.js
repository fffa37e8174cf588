// Keys that go from image to image and from series to series, where one has not switched them off; and the place on the
// page is kept from one image to the next.

const KEYS = { "[": "previous-image", "]": "next-image", "{": "previous-series", "}": "next-series" };
const SWITCH = "dicomsearch-image-keys";
const PLACE = "dicomsearch-image-place";

function stored(box, name) {
  try {
    return box.getItem(name);
  } catch {
    return null; // storage may be forbidden
  }
}

function store(box, name, value) {
  try {
    box.setItem(name, value);
  } catch {
    // Then it holds for this page only.
  }
}

const steps = document.querySelector("[data-steps]");
if (steps) start();

function start() {
  let on = stored(localStorage, SWITCH) !== "off";
  const hint = steps.querySelector("[data-keys]");
  const toggle = steps.querySelector("[data-keys-switch]");

  function tell() {
    toggle.textContent = on ? "Keys on" : "Keys off";
    toggle.setAttribute("aria-pressed", String(on));
  }

  if (hint) {
    hint.hidden = false;
    tell();
    toggle.addEventListener("click", () => {
      on = !on;
      store(localStorage, SWITCH, on ? "on" : "off");
      tell();
    });
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (!on || typing || event.ctrlKey && !event.altKey || event.metaKey || !KEYS[event.key]) return;
    const link = steps.querySelector(`[data-go="${KEYS[event.key]}"]`);
    if (!link) return;
    event.preventDefault();
    store(sessionStorage, PLACE, String(scrollY));
    // The search and the filter of the header go along; a window that was set meanwhile as well.
    const to = new URL(link.href);
    const here = new URL(location.href).searchParams;
    for (const name of ["center", "width"]) {
      if (here.has(name)) to.searchParams.set(name, here.get(name));
      else to.searchParams.delete(name);
    }
    location.assign(to);
  });

  steps.addEventListener("click", (event) => {
    if (event.target.closest("a")) store(sessionStorage, PLACE, String(scrollY));
  });

  const place = Number(stored(sessionStorage, PLACE));
  if (place && !location.hash) scrollTo({ top: place, behavior: "instant" });
  store(sessionStorage, PLACE, "");
}
