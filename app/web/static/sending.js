// Sends files one by one, a few at a time, and tells how far they are. A request that was lost is sent again; what the
// server refuses is not.

const AT_ONCE = 3;
const TRIES = 3;
const PAUSE = 1_000;

export class Refused extends Error {
  constructor(status, type, detail) {
    super(detail);
    this.status = status;
    this.type = type;
  }
}

function problemOf(status, text) {
  try {
    const problem = JSON.parse(text);
    return new Refused(status, problem.type, problem.detail);
  } catch {
    return new Refused(status, "", `The server answered ${status}.`);
  }
}

// Proves that a page of ours asks, where somebody has signed in.
function proof() {
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  return token ? { "X-CSRF-Token": token } : {};
}

export async function ask(address, method, body, signal) {
  const headers = { ...proof(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
  const answer = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal });
  const text = await answer.text();
  if (!answer.ok) throw problemOf(answer.status, text);
  return text ? JSON.parse(text) : null;
}

// `fetch` does not tell how much of a body has gone, so this is one of the old requests.
function put(address, file, signal, sent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);
    request.upload.addEventListener("progress", (event) => sent(Math.min(event.loaded, file.size)));
    request.addEventListener("load", () => (request.status < 300 ? resolve(JSON.parse(request.responseText)) : reject(problemOf(request.status, request.responseText))));
    request.addEventListener("error", () => reject(new Error("The connection was lost, or the file cannot be read.")));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    request.open("PUT", address);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    for (const [name, value] of Object.entries(proof())) request.setRequestHeader(name, value);
    request.send(file);
  });
}

function pathOf(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}

const isLost = (error) => !(error instanceof Refused) || [502, 503, 504].includes(error.status);

async function putPatiently(address, entry, signal, sent) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await put(`${address}/files/${pathOf(entry.path)}`, entry.file, signal, sent);
    } catch (error) {
      sent(0);
      if (signal.aborted || !isLost(error) || tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE * tries));
    }
  }
}

// Sends all entries; answers those that failed, as `{ entry, reason }`. `changed({ files, bytes, unpacking })` is called often.
export async function send(address, entries, signal, changed) {
  const waiting = [...entries].reverse();
  const failed = [];
  const going = new Map();
  let files = 0;
  let bytes = 0;
  const tell = () => {
    let on = 0;
    let whole = 0;
    for (const [entry, part] of going) {
      on += part;
      if (part === entry.file.size && entry.path.toLowerCase().endsWith(".zip")) whole += 1;
    }
    changed({ files, bytes: bytes + on, unpacking: whole });
  };
  const work = async () => {
    while (waiting.length > 0 && !signal.aborted) {
      const entry = waiting.pop();
      going.set(entry, 0);
      try {
        await putPatiently(address, entry, signal, (part) => {
          going.set(entry, part);
          tell();
        });
        files += 1;
        bytes += entry.file.size;
      } catch (error) {
        if (signal.aborted) return;
        failed.push({ entry, reason: error.message });
      } finally {
        going.delete(entry);
        tell();
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  signal.throwIfAborted();
  return failed;
}
