// The timeline of a trace: draws only the rows in view from an outline of numbers, folds, finds, opens spans beside it.
import { onKey } from "./keys.js";

const ROW = 28;
const EXTRA = 12;
const ERROR = 1;
const CRITICAL = 2;
const list = document.getElementById("spans");
const side = document.getElementById("span-side");
const body = document.querySelector(".trace-body");
const found = document.getElementById("found");
const blank = document.getElementById("span-row").content.firstElementChild;
const base = list.dataset.base;
const headers = { "HX-Request": "true" };

let outline = null;
let visible = []; // numbers of the rows that are not folded away
let at = []; // row number → its place in `visible`, or -1
const folded = new Set();
const drawn = new Map();
let matches = new Set();
let order = [];
let chosen = Number(side.querySelector("[data-row]")?.dataset.row ?? -1);
let cursor = chosen;

const units = [[60e6, "min"], [1e6, "s"], [1e3, "ms"], [1, "µs"]];
function duration(microseconds) {
  for (const [size, unit] of units) {
    if (microseconds < size) continue;
    const value = microseconds / size;
    const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
    return `${value.toLocaleString("en", { maximumFractionDigits: digits })} ${unit}`;
  }
  return "0 ns";
}

function arrange() {
  visible = [];
  at = new Int32Array(outline.rows.length).fill(-1);
  for (let row = 0; row < outline.rows.length; row += 1) {
    at[row] = visible.length;
    visible.push(row);
    if (folded.has(row)) row += outline.rows[row][3];
  }
  list.style.height = `${visible.length * ROW}px`;
  for (const element of drawn.values()) element.remove();
  drawn.clear();
  draw();
}

function make(row) {
  const [name, service, depth, below, start, took, flags, kind] = outline.rows[row];
  const element = blank.cloneNode(true);
  const [fold, noFold] = element.querySelectorAll(".fold");
  const link = element.querySelector("a");
  const colour = outline.colours[service];
  element.dataset.row = row;
  element.classList.toggle("bad", Boolean(flags & ERROR));
  element.classList.toggle("critical", Boolean(flags & CRITICAL));
  element.querySelector(".label").classList.add(`d${Math.min(depth, 24)}`);
  if (below) {
    noFold.remove();
    fold.setAttribute("aria-expanded", String(!folded.has(row)));
    fold.setAttribute("aria-label", `${folded.has(row) ? "Unfold" : "Fold"} ${below} ${below === 1 ? "span" : "spans"}`);
  } else fold.remove();
  link.href = `${base}?row=${row}`;
  const title = link.querySelector("i");
  title.className = `s${colour}`;
  title.textContent = outline.services[service];
  link.querySelector(".op").textContent = outline.names[name] || "(unnamed)";
  link.querySelector(".kind").textContent = outline.kinds[kind];
  if (!(flags & ERROR)) link.querySelector("em").remove();
  const rect = element.querySelector("rect");
  const whole = outline.duration || 1;
  rect.setAttribute("class", `f${colour}`);
  rect.setAttribute("x", ((1000 * start) / whole).toFixed(2));
  rect.setAttribute("width", Math.max((1000 * took) / whole, 1.5).toFixed(2));
  element.querySelector(".took").textContent = duration(took);
  mark(element, row);
  return element;
}

function mark(element, row) {
  element.classList.toggle("chosen", row === chosen);
  element.classList.toggle("match", matches.has(row));
  if (row === chosen) element.querySelector("a").setAttribute("aria-current", "true");
  else element.querySelector("a").removeAttribute("aria-current");
}

function draw() {
  const top = list.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor(-top / ROW) - EXTRA);
  const last = Math.min(visible.length, Math.ceil((innerHeight - top) / ROW) + EXTRA);
  for (const [row, element] of drawn) {
    const place = at[row];
    if ((place < first || place >= last) && !element.contains(document.activeElement)) {
      element.remove();
      drawn.delete(row);
    }
  }
  let before = null;
  for (let place = first; place < last; place += 1) {
    const row = visible[place];
    let element = drawn.get(row);
    if (!element) {
      element = make(row);
      element.style.transform = `translateY(${place * ROW}px)`;
      drawn.set(row, element);
      if (before) before.after(element);
      else list.prepend(element);
    }
    before = element;
  }
}

let waiting = false;
function soon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function refresh() {
  for (const [row, element] of drawn) mark(element, row);
}

function unfoldTo(row) {
  let changed = false;
  for (const each of [...folded]) {
    if (each < row && row <= each + outline.rows[each][3]) { folded.delete(each); changed = true; }
  }
  if (changed) arrange();
}

function focusRow(row) {
  unfoldTo(row);
  cursor = row;
  const wanted = list.getBoundingClientRect().top + at[row] * ROW;
  if (wanted < 60 || wanted > innerHeight - 80) scrollBy(0, wanted - innerHeight / 2);
  draw();
  drawn.get(row)?.querySelector("a").focus({ preventScroll: true });
}

function toggle(row) {
  if (!outline.rows[row][3]) return;
  if (!folded.delete(row)) folded.add(row);
  arrange();
  focusRow(row);
}

let asked = 0;
async function open(address, remember = true) {
  const turn = (asked += 1);
  body.classList.add("with-span");
  const answer = await fetch(address, { headers });
  const text = await answer.text();
  if (turn !== asked) return;
  const part = document.createElement("template");
  part.innerHTML = text;
  side.replaceChildren(part.content);
  side.scrollTop = 0;
  const span = side.querySelector("[data-span]");
  chosen = span ? Number(span.dataset.row) : -1;
  refresh();
  if (remember && span) history.pushState(null, "", here());
}

function close(remember = true) {
  asked += 1;
  chosen = -1;
  body.classList.remove("with-span");
  const hint = document.createElement("p");
  hint.className = "quiet hint";
  hint.textContent = "Choose a span to see its attributes, events and links.";
  side.replaceChildren(hint);
  refresh();
  if (remember) history.pushState(null, "", here());
}

/** The address of what is shown: the span beside, and what was looked for. */
function here() {
  const query = new URLSearchParams();
  if (sought) query.set("find", sought);
  const span = side.querySelector("[data-span]");
  if (span) query.set("span", span.dataset.span);
  return query.size ? `${base}?${query}` : base;
}

let sought = "";
async function find(text, remember = true) {
  if (remember && text !== sought) {
    sought = text;
    history.pushState(null, "", here());
  }
  sought = text;
  const answer = text ? await fetch(`${base}/find?text=${encodeURIComponent(text)}`, { headers }) : null;
  order = answer?.ok ? await answer.json() : [];
  matches = new Set(order);
  found.textContent = answer && !answer.ok ? "this trace cannot be searched now" : text ? (order.length ? `${order.length.toLocaleString()} found, n for the next` : "nothing found") : "";
  refresh();
  if (order.length) focusRow(order.find((row) => row >= cursor) ?? order[0]);
}

function nextMatch(step) {
  if (!order.length) return;
  const after = order.findIndex((row) => row > cursor);
  const before = order.findLastIndex((row) => row < cursor);
  focusRow(step > 0 ? order[after < 0 ? 0 : after] : order[before < 0 ? order.length - 1 : before]);
}

function step(by) {
  const here = cursor < 0 ? (by > 0 ? -1 : visible.length) : at[cursor];
  const row = visible[Math.min(Math.max(here + by, 0), visible.length - 1)];
  if (row !== undefined) focusRow(row);
}

function nextError() {
  const rows = outline.rows;
  for (let ahead = 1; ahead <= rows.length; ahead += 1) {
    const row = (cursor + ahead + rows.length) % rows.length;
    if (rows[row][6] & ERROR) return focusRow(row);
  }
  return undefined;
}

function parentOf(row) {
  for (let above = row - 1; above >= 0; above -= 1) if (outline.rows[above][2] < outline.rows[row][2]) return above;
  return row;
}

function listen() {
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);
  list.addEventListener("click", (event) => {
    const element = event.target.closest(".row");
    if (!element) return;
    const row = Number(element.dataset.row);
    if (event.target.closest("button.fold")) { toggle(row); return; }
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    cursor = row;
    open(`${base}?row=${row}`);
    element.querySelector("a").focus({ preventScroll: true });
  });
  side.addEventListener("click", (event) => {
    if (event.target.closest(".close")) { event.preventDefault(); close(); }
  });
  document.querySelector(".toolbar form").addEventListener("submit", (event) => {
    event.preventDefault();
    find(document.getElementById("find").value.trim());
  });
  const critical = document.getElementById("critical");
  critical.addEventListener("click", () => {
    const on = list.classList.toggle("show-critical");
    critical.setAttribute("aria-pressed", String(on));
  });
  document.getElementById("fold-all").addEventListener("click", (event) => {
    if (folded.size) folded.clear();
    else outline.rows.forEach((row, number) => { if (row[3] && row[2] > 0) folded.add(number); });
    event.target.textContent = folded.size ? "Unfold all" : "Fold all";
    arrange();
  });
  addEventListener("popstate", () => {
    const query = new URLSearchParams(location.search);
    const text = query.get("find") ?? "";
    document.getElementById("find").value = text;
    if (text !== sought) find(text, false);
    const span = query.get("span");
    if (span) open(`${base}?span=${span}`, false);
    else close(false);
  });
  onKey("j", "Next span", () => step(1));
  onKey("k", "Previous span", () => step(-1));
  onKey("ArrowDown", "Next span", () => step(1));
  onKey("ArrowUp", "Previous span", () => step(-1));
  onKey("ArrowLeft", "Fold, or go to the parent", () => {
    if (cursor < 0) return;
    if (outline.rows[cursor][3] && !folded.has(cursor)) toggle(cursor);
    else focusRow(parentOf(cursor));
  });
  onKey("ArrowRight", "Unfold", () => { if (cursor >= 0 && folded.has(cursor)) toggle(cursor); });
  onKey("e", "Next error", nextError);
  onKey("n", "Next found span", () => nextMatch(1));
  onKey("p", "Previous found span", () => nextMatch(-1));
  onKey("Escape", "Close the span", () => { if (chosen >= 0) close(); });
}

async function begin() {
  if (list.dataset.find) return; // what was found is all that is shown
  const answer = await fetch(`${base}/outline`, { headers });
  if (!answer.ok) return;
  outline = await answer.json();
  if (!outline.rows.length) return;
  document.querySelector(".windows")?.remove();
  const start = Number(list.dataset.start);
  list.replaceChildren();
  list.classList.add("drawn");
  listen();
  arrange();
  if (start && chosen < 0) scrollTo(0, list.getBoundingClientRect().top + scrollY + start * ROW);
  if (chosen >= 0) focusRow(chosen);
  document.body.dataset.ready = "";
}

begin().catch(() => {}); // without the outline the rows of the server stay
