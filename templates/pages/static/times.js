// Runs before anything is painted: says that there is a script, and puts times into the reader's zone as they arrive, so that
// nothing moves later. Not a module: those wait until the whole page is here.
"use strict";
(() => {
  const short = new Intl.DateTimeFormat(undefined, { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

  function local(time) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) return;
    const parts = Object.fromEntries(short.formatToParts(at).map((part) => [part.type, part.value]));
    const text = `${parts.day} ${parts.month} ${parts.hour}:${parts.minute}:${parts.second}`;
    if (time.textContent !== text) time.textContent = text;
  }

  document.documentElement.classList.add("script");
  // Told before the next paint of what the parser, htmx and other scripts add; a text that arrives in two parts is told twice.
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      const around = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
      if (around?.nodeName === "TIME") local(around);
      else for (const node of addedNodes) {
        if (node.nodeName === "TIME") local(node);
        else if (node.nodeType === Node.ELEMENT_NODE) for (const time of node.getElementsByTagName("time")) local(time);
      }
    }
  }).observe(document.documentElement, { childList: true, subtree: true, characterData: true });
})();
