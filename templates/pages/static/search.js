// Two ticks, no more; the second tick's button says what it will do. Without script the server says the same.
import { onKey } from "./keys.js";

const form = document.querySelector(".results");
if (form) {
  const boxes = [...form.querySelectorAll("[name=trace]")];
  const button = form.querySelector("button");
  const chosen = document.getElementById("chosen");
  let order = boxes.filter((box) => box.checked);
  const say = () => {
    button.disabled = order.length !== 2;
    chosen.textContent = ["Tick two traces to compare them.", "Tick one more.", "Two traces ticked."][order.length];
  };
  // The server begins to compare while the hand is on its way to the button, and keeps what it made.
  const begin = () => {
    const query = new URLSearchParams(order.map((box) => ["trace", box.value]));
    fetch(`${form.action}?${query}`, { headers: { accept: "text/html" }, priority: "low" }).then((answer) => answer.body?.cancel(), () => {});
  };
  form.addEventListener("change", (event) => {
    const box = event.target;
    order = order.filter((each) => each !== box);
    if (box.checked) order.push(box);
    while (order.length > 2) order.shift().checked = false;
    say();
    if (order.length === 2) begin();
  });
  addEventListener("pageshow", () => {
    order = boxes.filter((box) => box.checked);
    say();
  });
  say();

  // j and k go through the rows, x ticks, Enter opens.
  const links = [...form.querySelectorAll(".what > a")];
  const go = (step) => {
    const at = links.indexOf(document.activeElement.closest("tr")?.querySelector(".what > a"));
    links[Math.min(Math.max(at + step, 0), links.length - 1)].focus();
  };
  onKey("j", "Next trace", () => go(1));
  onKey("k", "Previous trace", () => go(-1));
  onKey("x", "Tick the trace", () => document.activeElement.closest("tr")?.querySelector("[name=trace]").click());
}
