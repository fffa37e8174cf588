// Keeps the parts of a page that are marked `data-live` up to date. It pauses while the page is hidden, leaves alone what
// has not changed, and keeps the keyboard focus where it is.

const MOVING = 2_000;
const RESTING = 10_000;

let timer = 0;
let busy = false;

function focusedIn(part) {
  const element = document.activeElement;
  return part.contains(element) ? element.getAttribute("href") : null;
}

function exchange(part, fresh) {
  // Compared as the server wrote them: what scripts made of the old one is no change.
  if (part.dataset.html === fresh.innerHTML) return;
  const html = fresh.innerHTML;
  const focused = focusedIn(part);
  part.replaceChildren(...fresh.childNodes);
  part.dataset.html = html;
  if (focused) part.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
}

async function refresh() {
  if (busy || document.hidden) return;
  busy = true;
  let pause = RESTING;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
      if (fresh) exchange(part, fresh);
    }
    document.dispatchEvent(new CustomEvent("freshened"));
    if (document.querySelector(".state-busy, .banner, .state-bad")) pause = MOVING;
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale");
  } finally {
    busy = false;
    schedule(pause);
  }
}

function schedule(pause) {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(refresh, pause);
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
document.querySelector("[data-refresh-link]")?.setAttribute("hidden", "");
document.querySelector("[data-refresh-note]")?.removeAttribute("hidden");
schedule(MOVING);
