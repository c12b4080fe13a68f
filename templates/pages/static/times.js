// Before the first paint (blocking=render): times in the reader's zone, and that there is a script; so nothing moves later.
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

document.documentElement.classList.add("script");
localTimes();
