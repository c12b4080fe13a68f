"use strict";
// Reading needs no script. This adds n and p (next, previous change) and u (unfold all).
(() => {
  const changes = [...document.querySelectorAll("[data-change]")];
  const keys = document.getElementById("keys");
  const position = document.getElementById("position");
  let at = -1;

  const reveal = (element) => {
    for (let above = element.parentElement; above; above = above.parentElement) {
      if (above.tagName === "DETAILS") above.open = true;
    }
  };
  const show = (index) => {
    at = (index + changes.length) % changes.length;
    const change = changes[at];
    reveal(change);
    for (const other of document.querySelectorAll("[data-change].current")) other.classList.remove("current");
    change.classList.add("current");
    change.scrollIntoView({ block: "center" });
    change.focus({ preventScroll: true });
    position.textContent = `${at + 1} of ${changes.length}`;
  };
  const unfold = () => {
    const folded = [...document.querySelectorAll("details.flow[open] .fold > details, details.flow[open] .repeats")];
    const open = folded.some((each) => !each.open);
    for (const each of folded) each.open = open;
  };
  const move = (step) => {
    if (changes.length) show(at < 0 && step < 0 ? -1 : at + step);
  };

  position.textContent = changes.length ? `${changes.length} ${changes.length === 1 ? "change" : "changes"}` : "no change";
  keys.hidden = false;
  if (!changes.length) for (const name of ["next", "previous"]) document.getElementById(name).disabled = true;
  document.getElementById("next").addEventListener("click", () => move(1));
  document.getElementById("previous").addEventListener("click", () => move(-1));
  document.getElementById("unfold").addEventListener("click", unfold);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    if (event.key === "n") move(1);
    else if (event.key === "p") move(-1);
    else if (event.key === "u") unfold();
    else return;
    event.preventDefault();
  });
  const follow = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.tagName === "DETAILS") target.open = true;
    const index = changes.indexOf(target);
    if (index >= 0) show(index);
    else reveal(target);
  };
  addEventListener("hashchange", follow);
  // The link of the change that is current already: no hash changes.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) follow();
  });
  follow();
})();
