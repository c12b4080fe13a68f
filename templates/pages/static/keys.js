// Keys: a page's script registers its own, a link or button is pressed by its data-key; `?` lists all of them.
const registered = new Map();
let begun = "";
let forget = 0;

/** Calls `act` when `keys` (one key, or two with a space between) are pressed and nobody is typing. */
export function onKey(keys, name, act) {
  registered.set(keys, { name, act });
}

function all() {
  const found = new Map(registered);
  for (const element of document.querySelectorAll("[data-key]")) {
    if (!element.checkVisibility()) continue;
    const act = () => (element.matches("input, textarea, select") ? (element.focus(), element.select?.()) : element.click());
    found.set(element.dataset.key, { name: element.dataset.keyName || element.textContent.trim(), act });
  }
  return found;
}

function list() {
  const dialog = document.getElementById("keyboard");
  const entries = [...all()].map(([keys, { name }]) => {
    const term = document.createElement("dt");
    for (const key of keys.split(" ")) {
      const kbd = document.createElement("kbd");
      kbd.textContent = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" }[key] || key;
      term.append(kbd, " ");
    }
    const meaning = document.createElement("dd");
    meaning.textContent = name;
    return [term, meaning];
  });
  dialog.querySelector("dl").replaceChildren(...entries.flat());
  dialog.showModal();
}

export function start() {
  onKey("?", "This list", list);
  for (const button of document.querySelectorAll("[data-keyboard]")) {
    button.addEventListener("click", list);
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
    const keys = all();
    const pressed = begun ? `${begun} ${event.key}` : event.key;
    const found = keys.get(pressed) || keys.get(event.key);
    clearTimeout(forget);
    begun = "";
    if (found) {
      event.preventDefault();
      found.act(event);
    } else if ([...keys.keys()].some((each) => each.startsWith(`${event.key} `))) {
      begun = event.key;
      forget = setTimeout(() => { begun = ""; }, 1200);
    }
  });
}
