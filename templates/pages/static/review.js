// Keys of a run's page: from finding to finding, and a decision about the one that has the focus.
import { onKey } from "./keys.js";

const findings = () => [...document.querySelectorAll("[data-finding]")].filter((each) => each.checkVisibility());

function step(by) {
  const all = findings();
  if (!all.length) return;
  const at = all.findIndex((each) => each.contains(document.activeElement));
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function decide(kind) {
  const current = document.activeElement?.closest("[data-finding]") || findings()[0];
  const menu = current?.querySelector(`details.${kind}`);
  if (!menu) return;
  menu.open = true;
  menu.querySelector("[name=reason]").focus();
}

onKey("n", "Next finding", () => step(1));
onKey("p", "Previous finding", () => step(-1));
onKey("a", "Approve the finding", () => decide("approve"));
onKey("r", "Reject the finding", () => decide("reject"));
