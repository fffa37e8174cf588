// Recent searches. A query may name a patient, so they never leave the browser, are forgotten after a week, and can be
// cleared or switched off at any time.

const KEY = "dicomsearch.recent";
const OFF = "dicomsearch.recent.off";
const MOST = 15;
const WEEK = 7 * 24 * 3600 * 1000;

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return found.filter((each) => typeof each.q === "string" && Date.now() - each.at < WEEK);
  } catch {
    return []; // storage is forbidden, or something else wrote there
  }
}

function store(recent) {
  try {
    if (recent.length) localStorage.setItem(KEY, JSON.stringify(recent));
    else localStorage.removeItem(KEY);
  } catch {
    // Without storage there are no recent searches.
  }
}

function isOff() {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return true;
  }
}

function setOff(off) {
  try {
    if (off) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
  } catch {
    // Without storage it is off anyway.
  }
}

const drawer = document.querySelector("[data-recent]");
const part = drawer.querySelector(".recent");
const list = part.querySelector("ul");
const keep = part.querySelector("input");

function show() {
  list.replaceChildren(
    ...stored().map(({ q, search }) => {
      const link = document.createElement("a");
      link.href = `${location.pathname}${search}`;
      link.textContent = q;
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
  keep.checked = !isOff();
  part.hidden = false;
}

function remember() {
  const q = drawer.dataset.recent;
  const address = new URLSearchParams(location.search);
  // Another page of the same list is no other search.
  address.delete("after");
  address.delete("page");
  const found = document.querySelector(".query-error, .banner-bad") === null;
  const rest = stored().filter((each) => each.q !== q);
  store(isOff() ? [] : q && found ? [{ q, search: `?${address}`, at: Date.now() }, ...rest].slice(0, MOST) : stored());
}

keep.addEventListener("change", () => {
  setOff(!keep.checked);
  remember();
  show();
});
part.querySelector("button").addEventListener("click", () => {
  store([]);
  show();
});
remember();
show();
