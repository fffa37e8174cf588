// Downloads all results and shows how far it is: rows so far, of all. A download that broke off, or has not all rows, is
// thrown away and said to be so. Without scripts the form does the same, without progress.

// Rows are kept in memory until the last has come; more than that are left to the browser's own download.
const MOST_KEPT = 200_000;
const NEW_LINE = 10;
const QUOTE = 34;
// Lines that are no rows: the names of the columns; the end of the document.
const OTHER_LINES = { csv: 1, json: 2 };

// Counts rows: lines, and in CSV only those that end outside quotes.
function counter(format) {
  let quoted = false;
  let lines = 0;
  return (bytes) => {
    for (const byte of bytes) {
      if (byte === QUOTE && format === "csv") quoted = !quoted;
      else if (byte === NEW_LINE && !quoted) lines += 1;
    }
    return Math.max(lines - (OTHER_LINES[format] ?? 0), 0);
  };
}

async function problemOf(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

function nameOf(answer) {
  return /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "dicomsearch";
}

function save(parts, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function start(form) {
  const panel = form.querySelector(".export-progress");
  const bar = panel.querySelector("progress");
  const status = panel.querySelector("[role=status]");
  const cancel = panel.querySelector("button");
  const button = form.querySelector("button[type=submit]");
  const number = (value) => value.toLocaleString("en");

  async function download(address, format, signal) {
    const answer = await fetch(address, { signal });
    if (!answer.ok) throw new Error(await problemOf(answer));
    const exact = answer.headers.get("X-Total-Count");
    const total = Number(exact ?? answer.headers.get("X-Total-Count-Estimate"));
    if (total > MOST_KEPT) {
      await answer.body.cancel();
      location.assign(address);
      return `${number(total)} rows: the browser downloads them.`;
    }
    const parts = [];
    const count = counter(format);
    const reader = answer.body.getReader();
    let rows = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      rows = count(value);
      bar.value = total ? Math.min(rows / total, 1) : 1;
      status.textContent = `${number(Math.min(rows, total))} of ${exact ? "" : "about "}${number(total)} rows`;
    }
    // A path may have a line break in it, so that paths have at least as many lines as rows.
    if (exact && (format === "paths" ? rows < total : rows !== total)) throw new Error("Not all rows came. Try again.");
    save(parts, nameOf(answer));
    return `${number(exact ? total : rows)} rows downloaded.`;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const abort = new AbortController();
    const parameters = new URLSearchParams(new FormData(form));
    cancel.onclick = () => abort.abort();
    panel.hidden = false;
    bar.hidden = cancel.hidden = false;
    bar.removeAttribute("value");
    button.disabled = true;
    status.className = "";
    status.textContent = "Searching…";
    try {
      status.textContent = await download(`${form.action}?${parameters}`, parameters.get("format"), abort.signal);
    } catch (error) {
      status.className = "bad";
      const reason = error instanceof TypeError ? "The connection broke off, nothing was saved. Try again." : error.message;
      status.textContent = abort.signal.aborted ? "Cancelled." : reason;
    } finally {
      bar.hidden = cancel.hidden = true;
      button.disabled = false;
    }
  });
}

for (const form of document.querySelectorAll("[data-export]")) start(form);
