// The page that takes files: what is chosen or dropped is sent file by file, with progress, and becomes a batch.

import { filesDropped, filesOf } from "./chosen.js";
import { ask, send } from "./sending.js";

const form = document.querySelector(".upload");
const panel = document.querySelector("[data-progress]");
const inputs = [...form.querySelectorAll("input[type=file]")];
const name = form.querySelector("#upload-name");
const drop = form.querySelector("[data-drop]");
const chosenNote = form.querySelector("[data-chosen]");
const part = (key) => panel.querySelector(`[data-${key}]`);
const MOST_SHOWN = 200;

let chosen = [];
let running = null;

const number = (value) => value.toLocaleString("en");
const plural = (value, one) => `${number(value)} ${one}${value === 1 ? "" : "s"}`;

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let amount = bytes;
  while (amount >= 999.5 && unit < units.length - 1) [amount, unit] = [amount / 1000, unit + 1];
  return `${Number(amount.toPrecision(3))} ${units[unit]}`;
}

function duration(seconds) {
  if (!Number.isFinite(seconds)) return "—";
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`;
}

const bytesOf = (entries) => entries.reduce((sum, entry) => sum + entry.file.size, 0);

function tooMuch() {
  if (chosen.length > Number(form.dataset.mostFiles)) return `That is more than ${number(Number(form.dataset.mostFiles))} files.`;
  if (bytesOf(chosen) > Number(form.dataset.mostBytes)) return `That is more than ${size(Number(form.dataset.mostBytes))}.`;
  return "";
}

function showChosen() {
  chosenNote.hidden = chosen.length === 0;
  form.querySelector("[data-clear]").hidden = chosen.length === 0;
  chosenNote.textContent = `${plural(chosen.length, "file")}, ${size(bytesOf(chosen))}. ${tooMuch()}`;
}

// Files of one name that come from several places all stay: a later one gets a number.
function add(entries) {
  const known = new Set(chosen.map((entry) => entry.path));
  for (const { path, file } of entries) {
    let free = path;
    for (let count = 2; known.has(free); count += 1) free = path.replace(/(\.[^./]*)?$/, ` (${count})$1`);
    known.add(free);
    chosen.push({ path: free, file });
  }
  showChosen();
}

function clear() {
  chosen = [];
  for (const input of inputs) input.value = "";
  showChosen();
  inputs[0].focus();
}

function say(text, link) {
  part("status").replaceChildren(text, ...(link ? [" ", link] : []));
}

function showFailed(failed) {
  part("failed").hidden = failed.length === 0;
  part("failed").querySelector("ul").replaceChildren(
    ...failed.slice(0, MOST_SHOWN).map(({ entry, reason }) => {
      const line = document.createElement("li");
      const why = document.createElement("span");
      why.textContent = reason;
      line.append(entry.path, why);
      return line;
    }),
  );
  part("retry").hidden = part("finish").hidden = failed.length === 0;
}

class Running {
  constructor(entries) {
    this.entries = entries;
    this.total = bytesOf(entries);
    this.before = { files: 0, bytes: 0 };
    this.abort = new AbortController();
    this.failed = [];
    this.address = "";
  }

  // Rate and time left of the last seconds, so that a pause shows.
  show({ files, bytes, unpacking }) {
    const at = performance.now() / 1000;
    const done = this.before.bytes + bytes;
    this.marks.push([at, done]);
    while (this.marks.length > 2 && at - this.marks[0][0] > 10) this.marks.shift();
    if (at - this.shown < 0.2 && done < this.total) return;
    this.shown = at;
    const [since, had] = this.marks[0];
    const rate = at > since ? Math.max(done - had, 0) / (at - since) : 0;
    panel.querySelector("progress").value = this.total ? done / this.total : 1;
    part("files").textContent = `${number(this.before.files + files)} of ${number(this.entries.length)}`;
    part("bytes").textContent = `${size(done)} of ${size(this.total)}`;
    part("rate").textContent = `${size(rate)}/s`;
    part("left").textContent = duration(done < this.total ? (this.total - done) / rate : 0);
    if (unpacking) say(`Unpacking ${plural(unpacking, "zip file")}…`);
  }

  async send(entries) {
    this.marks = [];
    this.shown = 0;
    showFailed([]);
    part("cancel").hidden = false;
    say("Sending the files…");
    let last = { files: 0, bytes: 0 };
    this.failed = await send(this.address, entries, this.abort.signal, (now) => this.show((last = now)));
    this.before = { files: this.before.files + last.files, bytes: this.before.bytes + last.bytes };
    if (this.failed.length === 0) return this.complete();
    showFailed(this.failed);
    say(`${plural(this.failed.length, "file")} could not be sent.`);
  }

  async complete(newName = "") {
    say("Completing…");
    try {
      const done = await ask(`${this.address}/complete`, "POST", { name: newName }, this.abort.signal);
      this.end();
      const link = document.createElement("a");
      link.href = form.dataset.batches + encodeURIComponent(done.batch);
      link.textContent = `Show the batch ${done.name}`;
      panel.querySelector("h2").textContent = "Uploaded";
      panel.querySelector("progress").value = 1;
      part("rename").hidden = true;
      say("All files have arrived and are being indexed.", link);
      link.focus();
    } catch (error) {
      if (!error.type?.endsWith("batch-name-taken") && !error.type?.endsWith("batch-name")) throw error;
      part("rename").hidden = false;
      part("rename").querySelector("input").focus();
      say(error.message);
    }
  }

  end() {
    removeEventListener("beforeunload", warn);
    running = null;
    part("cancel").hidden = true;
    showFailed([]);
  }
}

function warn(event) {
  event.preventDefault();
}

async function guarded(task) {
  const mine = running;
  try {
    await task();
  } catch (error) {
    if (running !== mine || mine.abort.signal.aborted) return;
    say(error.message);
    if (!mine.address) {
      mine.end();
      form.hidden = false;
      return;
    }
    part("retry").hidden = false;
  }
}

function start() {
  running = new Running(chosen);
  form.hidden = true;
  panel.hidden = false;
  part("cancel").hidden = false;
  panel.querySelector("h2").textContent = "Uploading";
  panel.querySelector("h2").focus();
  addEventListener("beforeunload", warn);
  const mine = running;
  guarded(async () => {
    const begun = await ask(form.dataset.api, "POST", { name: name.value }, mine.abort.signal);
    mine.address = `${form.dataset.api}/${begun.id}`;
    await mine.send(mine.entries);
  });
}

async function cancel() {
  const mine = running;
  if (!mine) return;
  mine.abort.abort();
  mine.end();
  part("rename").hidden = true;
  say("Cancelled: nothing of it is kept.");
  form.hidden = false;
  name.focus();
  if (mine.address) await ask(mine.address, "DELETE").catch(() => undefined);
}

form.querySelector("[data-script]").hidden = false;
for (const input of inputs) {
  input.addEventListener("change", () => {
    add(filesOf(input));
    input.value = "";
  });
}
form.querySelector("[data-clear]").addEventListener("click", clear);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (chosen.length > 0 && !tooMuch()) start();
  else if (chosen.length === 0) {
    chosenNote.hidden = false;
    chosenNote.textContent = "Choose files or a folder first.";
    inputs[0].focus();
  }
});
part("cancel").addEventListener("click", cancel);
part("retry").addEventListener("click", () => guarded(() => (running.failed.length ? running.send(running.failed.map(({ entry }) => entry)) : running.complete())));
part("finish").addEventListener("click", () => guarded(() => running.complete()));
part("rename").addEventListener("submit", (event) => {
  event.preventDefault();
  guarded(() => running.complete(part("rename").querySelector("input").value));
});
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("drop-over", !form.hidden);
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("drop-over");
});
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("drop-over");
  if (!form.hidden) add(await filesDropped(event.dataTransfer));
});
