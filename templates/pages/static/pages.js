// On every page: times in the reader's zone, keys, copying, menus. Reading needs none of it.
import "./htmx/htmx.min.js";
import { start as startKeys } from "./keys.js";

const short = new Intl.DateTimeFormat(undefined, { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export function localTimes(within = document) {
  for (const time of within.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    const parts = Object.fromEntries(short.formatToParts(at).map((part) => [part.type, part.value]));
    time.textContent = `${parts.day} ${parts.month} ${parts.hour}:${parts.minute}:${parts.second}`;
    time.dataset.local = "";
  }
}

function copyButtons(within = document) {
  if (!navigator.clipboard) return;
  for (const button of within.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    const text = button.dataset.copy || button.parentElement.querySelector("code, input").textContent;
    await navigator.clipboard.writeText(text);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
    return;
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
// A form is sent once, however often its button is pressed; a page that is shown again from history can send again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
document.body.addEventListener("htmx:load", (event) => {
  localTimes(event.target);
  copyButtons(event.target);
});

document.documentElement.classList.add("script");
localTimes();
copyButtons();
startKeys();
