// Frames and windows without loading the page again: slider, keys, wheel and drag. One picture is asked for at a time; of
// what was wished meanwhile only the last is asked for next. The address of the page always names what is shown.

const root = document.querySelector("[data-preview]");
if (root) start(root);

function start(preview) {
  const find = (selector) => preview.querySelector(selector);
  const { source, frames: count, bits } = preview.dataset;
  const frames = Number(count);
  const gray = "gray" in preview.dataset;
  const [screen, problem, form, slider] = ["[data-screen]", "[data-problem]", "[data-controls]", "[data-slider]"].map(find);
  const field = (name) => form?.elements.namedItem(name);
  const number = (name) => (field(name)?.value.trim() ? Number(field(name).value) : null);
  const shown = { frame: number("frame") ?? 1, center: number("center"), width: number("width") };
  // Null: the one that the file proposes, or its pixels; it may differ from frame to frame.
  let chosen = "asked" in preview.dataset ? { center: shown.center, width: shown.width } : null;
  let frame = shown.frame;
  let picture = find("[data-picture]");
  let busy = false;
  let again = false;
  const known = new Map(); // the window that a frame has by itself

  function address(path, size) {
    const parameters = new URLSearchParams({ frame });
    if (chosen) for (const name of ["center", "width"]) parameters.set(name, chosen[name]);
    if (size) parameters.set("size", size);
    return `${path}?${parameters}`;
  }

  async function proposed() {
    if (!known.has(frame)) {
      const asked = frame;
      const answer = await fetch(`${source}/info?frame=${asked}`).catch(() => null);
      const facts = answer?.ok ? await answer.json() : {};
      const middle = 2 ** (bits - 1);
      known.set(asked, facts.window ?? facts.windows?.[0] ?? { center: middle, width: middle * 2 });
    }
    return known.get(frame);
  }

  async function draw() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    const late = setTimeout(() => screen.classList.add("waiting"), 150);
    const next = picture.cloneNode();
    next.src = address(source, 1024);
    next.alt = picture.alt.replace(/frame [\d,]+/, `frame ${frame.toLocaleString("en")}`);
    try {
      await next.decode();
      picture.replaceWith(next);
      picture = next;
      problem.hidden = true;
    } catch {
      await explain(next.src);
    }
    clearTimeout(late);
    screen.classList.remove("waiting");
    busy = false;
    if (again) {
      again = false;
      draw();
    }
  }

  async function explain(asked) {
    const answer = await fetch(asked).catch(() => null);
    const told = answer && !answer.ok ? await answer.json().catch(() => null) : null;
    problem.textContent = told?.detail ?? "The picture could not be loaded.";
    problem.hidden = false;
  }

  function tell() {
    const page = new URL(location.href);
    for (const name of ["frame", "center", "width"]) page.searchParams.delete(name);
    if (frame > 1) page.searchParams.set("frame", frame);
    if (chosen) for (const name of ["center", "width"]) page.searchParams.set(name, chosen[name]);
    history.replaceState(null, "", page);
    find("[data-large]").href = address(source, 2048);
  }

  function say(center, width) {
    find("[data-note-window]").textContent = center === "" ? "" : `C ${center} · W ${width}`;
    for (const chip of preview.querySelectorAll("[data-center]")) {
      const fits = chip.dataset.center === String(center) && chip.dataset.width === String(width);
      if (fits) chip.setAttribute("aria-current", "true");
      else chip.removeAttribute("aria-current");
    }
  }

  function turn(to) {
    const wanted = Math.min(Math.max(Math.round(to), 1), frames);
    if (!Number.isFinite(wanted) || wanted === frame) return;
    frame = wanted;
    slider.value = field("frame").value = frame;
    find("[data-note-frame]").textContent = `${frame.toLocaleString("en")} / ${frames.toLocaleString("en")}`;
    tell();
    draw();
  }

  function rounded(value, width) {
    return width >= 50 ? Math.round(value) : Number(value.toPrecision(4));
  }

  function set(center, width) {
    const least = width >= 1 ? 1 : 1e-6;
    chosen = { center: rounded(center, width), width: Math.max(rounded(width, width), least) };
    field("center").value = chosen.center;
    field("width").value = chosen.width;
    say(chosen.center, chosen.width);
    tell();
    draw();
  }

  function reset() {
    chosen = null;
    const usual = "asked" in preview.dataset ? null : shown;
    field("center").value = usual?.center ?? "";
    field("width").value = usual?.width ?? "";
    say(field("center").value, field("width").value);
    tell();
    draw();
  }

  // What the server has drawn may have failed before this module ran.
  const failed = () => explain(picture.src);
  if (picture.complete && !picture.naturalWidth) failed();
  else picture.addEventListener("error", failed, { once: true });
  if (!form) return;

  for (const part of preview.querySelectorAll("[data-live]")) part.hidden = false;
  find("[data-plain]").hidden = true;
  form.addEventListener("submit", (event) => event.preventDefault());

  if (frames > 1) {
    slider.addEventListener("input", () => turn(slider.valueAsNumber));
    field("frame").addEventListener("change", () => turn(number("frame")));
    for (const button of preview.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => turn(frame + Number(button.dataset.step)));
    }
    screen.tabIndex = 0;
    screen.setAttribute("role", "group");
    screen.setAttribute("aria-label", "Picture");
    screen.setAttribute("aria-describedby", "preview-hint");
    const keys = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -frames, End: frames };
    screen.addEventListener("keydown", (event) => {
      const step = event.ctrlKey || event.metaKey || event.altKey ? 0 : keys[event.key];
      if (!step) return;
      event.preventDefault();
      turn(frame + step);
    });
    screen.addEventListener("wheel", (event) => {
      if (document.activeElement !== screen || event.ctrlKey) return;
      event.preventDefault();
      turn(frame + Math.sign(event.deltaY));
    }, { passive: false });
  }

  if (!gray) return;
  for (const name of ["center", "width"]) {
    field(name).addEventListener("change", () => {
      if (number("center") !== null && number("width") > 0) set(number("center"), number("width"));
    });
  }
  find("[data-reset]").addEventListener("click", (event) => {
    event.preventDefault();
    reset();
  });
  for (const chip of preview.querySelectorAll("[data-center]")) {
    chip.addEventListener("click", (event) => {
      event.preventDefault();
      set(Number(chip.dataset.center), Number(chip.dataset.width));
    });
  }
  screen.dataset.drag = "";
  screen.addEventListener("pointerdown", async (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    screen.setPointerCapture(event.pointerId);
    const start = chosen ?? (await proposed());
    const step = start.width / 300;
    const move = (to) => set(start.center + (to.clientY - event.clientY) * step, Math.max(start.width + (to.clientX - event.clientX) * step, step));
    screen.addEventListener("pointermove", move);
    const end = () => screen.removeEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) screen.addEventListener(name, end, { once: true });
    if (!screen.hasPointerCapture(event.pointerId)) end();
  });
}
