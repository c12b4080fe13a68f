// n and p go from change to change; rows that are not here yet are loaded when they are reached. Reading needs no script.
import { onKey } from "./keys.js";

const next = document.getElementById("next");
const previous = document.getElementById("previous");
const position = document.getElementById("position");
const total = [...document.querySelectorAll("[data-total]")].reduce((sum, rows) => sum + Number(rows.dataset.total), 0);
const changes = () => document.querySelectorAll("main [data-change]");
let current = null;

/** Puts the rows behind a `.more-rows` link in its place. */
async function load(more) {
  if (!more.loading) {
    const link = more.querySelector("a");
    more.loading = fetch(link.href, { headers: { "HX-Request": "true" } }).then(async (answer) => {
      const part = document.createElement("template");
      part.innerHTML = await answer.text();
      if (!answer.ok) {
        const item = document.createElement("li");
        item.className = "more-rows";
        item.append(part.content);
        more.before(item);
        more.loading = null;
        return;
      }
      more.replaceWith(part.content);
      watch();
    }).catch(() => { more.loading = null; });
  }
  return more.loading;
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) load(entry.target);
}, { rootMargin: "600px" });
function watch() {
  for (const more of document.querySelectorAll(".more-rows")) seen.observe(more);
}

function reveal(element) {
  for (let above = element.parentElement; above; above = above.parentElement) {
    if (above.tagName === "DETAILS") above.open = true;
  }
}

function show(row) {
  reveal(row);
  current?.classList.remove("current");
  current = row;
  row.classList.add("current");
  row.scrollIntoView({ block: "center" });
  row.focus({ preventScroll: true });
  position.textContent = `${[...changes()].indexOf(row) + 1} of ${total}`;
}

async function move(step) {
  let all = [...changes()];
  let at = current ? all.indexOf(current) + step : step > 0 ? 0 : -1;
  while (at >= all.length || (at < 0 && current === null)) {
    const more = document.querySelector(".flow > .rows > .more-rows");
    if (!more) break;
    await load(more);
    const now = [...changes()];
    if (now.length === all.length && document.querySelector(".flow > .rows > .more-rows") === more) break;
    all = now;
    if (at < 0) continue;
  }
  if (all.length) show(all[(at + all.length) % all.length]);
}

async function follow() {
  const name = location.hash.slice(1);
  let target = name && document.getElementById(name);
  while (name && !target) {
    const more = document.querySelector(".flow > .rows > .more-rows");
    if (!more) return;
    await load(more);
    if (more.isConnected) return;
    target = document.getElementById(name);
  }
  if (!target) return;
  if (target.matches("[data-change]")) show(target);
  else reveal(target);
}

onKey("n", "Next change", () => move(1));
onKey("p", "Previous change", () => move(-1));
onKey("u", "Unfold or fold what is unchanged", () => {
  const folded = [...document.querySelectorAll(".fold > details, .repeats")];
  const open = folded.some((each) => !each.open);
  for (const each of folded) each.open = open;
});
next.addEventListener("click", () => move(1));
previous.addEventListener("click", () => move(-1));
next.disabled = previous.disabled = !total;
position.textContent = total ? `${total} ${total === 1 ? "change" : "changes"}` : "no change";
addEventListener("hashchange", follow);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link && link.hash === location.hash) follow();
  const more = event.target.closest(".more-rows a");
  if (more) {
    event.preventDefault();
    load(more.closest(".more-rows"));
  }
});
watch();
follow();
