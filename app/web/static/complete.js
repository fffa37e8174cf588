// Offers fields and values while one types: an ARIA combobox on every box that has `data-headers`. A box without scripts
// is just a box. In a query the word at the caret is completed, a field before its colon, a value after it.

const MOST = 8;
const PAUSE = 120;
const PLAIN_NAME = /^@?[A-Za-z0-9_.]+$/;

let count = 0;

class Combobox {
  constructor(box) {
    this.box = box;
    this.isQuery = box.dataset.complete !== "names";
    this.offers = [];
    this.active = -1;
    this.list = document.createElement("ul");
    this.list.id = `offers-${++count}`;
    this.list.className = "offers";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Completions");
    box.after(this.list);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", this.list.id]]) box.setAttribute(name, value);
    box.addEventListener("input", () => this.later());
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("blur", () => this.close());
    // Before the box loses the keyboard to the click.
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const item = event.target.closest("li");
      if (item) this.take(Number(item.dataset.number));
    });
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  // The word at the caret: where it begins, what stands before its last colon, and what is typed of it.
  word() {
    const caret = this.box.selectionStart;
    const before = this.box.value.slice(0, caret);
    if (!this.isQuery) return { start: 0, end: this.box.value.length, field: null, typed: before.trim() };
    const quotes = (before.match(/"/g) ?? []).length;
    if (quotes % 2) return null;
    const found = /(?:^|[\s(])[-+]?((?:"[^"]*"|[^\s()"[\]{}])*)$/.exec(before);
    if (!found) return null;
    const text = found[1];
    const colon = text.lastIndexOf(":");
    const start = caret - text.length;
    if (colon < 0) return { start, end: caret, field: null, typed: text };
    const field = text.slice(0, colon).replaceAll('"', "");
    const sign = /^(=|[<>]=?)/.exec(text.slice(colon + 1))?.[0] ?? "";
    if (sign && sign !== "=") return null;
    return { start: start + colon + 1, end: caret, field, typed: text.slice(colon + 1 + sign.length) };
  }

  async ask() {
    const word = this.word();
    if (!word || (word.field === null && word.typed.length < 2)) return this.close();
    this.request?.abort();
    this.request = new AbortController();
    const base = this.box.dataset.headers;
    const address = word.field === null ? base : `${base}/${encodeURIComponent(word.field)}`;
    try {
      const answer = await fetch(`${address}?${new URLSearchParams({ q: word.typed, size: MOST })}`, { signal: this.request.signal });
      if (!answer.ok) return this.close();
      const found = await answer.json();
      const offers = word.field === null ? found.results.map(offerOfField) : found.values.map(offerOfValue);
      this.show(word, offers.filter((offer) => offer.text !== word.typed));
    } catch {
      // Typed on, or away: without completions the box still works.
    }
  }

  show(word, offers) {
    if (!offers.length || document.activeElement !== this.box) return this.close();
    this.target = word;
    this.offers = offers;
    this.list.replaceChildren(...offers.map((offer, number) => itemOf(offer, number, this.list.id)));
    this.list.hidden = false;
    this.box.setAttribute("aria-expanded", "true");
    this.choose(-1);
  }

  close() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.list.hidden = true;
    this.active = -1;
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
  }

  choose(number) {
    this.active = number;
    [...this.list.children].forEach((item, each) => item.setAttribute("aria-selected", String(each === number)));
    const item = this.list.children[number];
    if (item) {
      this.box.setAttribute("aria-activedescendant", item.id);
      item.scrollIntoView({ block: "nearest" });
    } else this.box.removeAttribute("aria-activedescendant");
  }

  take(number) {
    const offer = this.offers[number];
    const { start, end } = this.target;
    const isField = this.isQuery && this.target.field === null;
    const text = this.isQuery ? offer.inserted + (isField ? ":" : " ") : offer.text;
    this.box.setRangeText(text, start, end, "end");
    this.close();
    this.box.focus();
    if (isField) this.later();
  }

  key(event) {
    const open = !this.list.hidden;
    const last = this.offers.length - 1;
    if (event.key === "ArrowDown" && !open) return this.later();
    if (!open || event.isComposing) return;
    if (event.key === "ArrowDown") this.choose(this.active === last ? -1 : this.active + 1);
    else if (event.key === "ArrowUp") this.choose(this.active === -1 ? last : this.active - 1);
    else if (event.key === "Escape") this.close();
    else if ((event.key === "Enter" || event.key === "Tab") && this.active >= 0) this.take(this.active);
    else return;
    event.preventDefault();
  }
}

function offerOfField(header) {
  const inserted = PLAIN_NAME.test(header.keyword) ? header.keyword : quoted(header.keyword);
  return { text: header.keyword, inserted, note: [header.name, header.tag, header.vr].filter(Boolean).join(" · "), count: header.images };
}

function offerOfValue(value) {
  // The condition as the server writes it, without the name before it.
  const condition = value.query;
  const inserted = condition.slice(condition.lastIndexOf(":=") + 1);
  return { text: String(value.value), inserted: /^=[A-Za-z0-9_.-]+$/.test(inserted) ? inserted.slice(1) : inserted, note: "", count: value.count };
}

function quoted(text) {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function itemOf(offer, number, list) {
  const item = document.createElement("li");
  item.id = `${list}-${number}`;
  item.dataset.number = number;
  item.setAttribute("role", "option");
  const parts = [["offer-text", offer.text], ["offer-note", offer.note], ["offer-count", offer.count.toLocaleString("en")]];
  for (const [name, text] of parts) {
    const part = document.createElement("span");
    part.className = name;
    part.textContent = text;
    item.append(part);
  }
  return item;
}

document.querySelectorAll("[data-headers]").forEach((box) => new Combobox(box));
