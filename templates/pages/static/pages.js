// On every page: keys, copying, menus, what htmx brings. Reading needs none of it.
import "./htmx/htmx.min.js";
import { start as startKeys } from "./keys.js";

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
// Who opens a question can answer at once. A toggle does not bubble.
document.addEventListener("toggle", (event) => {
  if (event.target.matches("details.menu[open]")) event.target.querySelector("[name=reason]")?.focus();
}, true);
// A form is sent once, however often its button is pressed; a page that is shown again from history can send again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  // The server never sees what stands behind `#`: a link to a finding must still lead there after signing in.
  if (form.elements.next && location.hash) form.elements.next.value = form.elements.next.value.replace(/#.*/, "") + location.hash;
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
document.body.addEventListener("htmx:load", (event) => {
  copyButtons(event.target);
});

copyButtons();
startKeys();
