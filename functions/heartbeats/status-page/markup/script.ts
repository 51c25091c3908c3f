/**
 * The status page's script; the page is complete without it. Marks the page as out of date by the reader's clock, because a dead
 * checker must not read as "up"; reloads first, because only the tab may be old. Filters the monitors, and shows ages, times in the reader's
 * time zone on hover, and a tooltip for each day.
 */
export const STATUS_SCRIPT = `
"use strict";
{
const root = document.documentElement, staleAt = +root.dataset.staleAt, all = (s) => document.querySelectorAll(s);
const ago = (ms) => {
  const min = Math.floor(ms / 6e4), h = Math.floor(min / 60), d = Math.floor(h / 24);
  return min < 1 ? "just now" : (d > 1 ? d + " days" : h > 1 ? h + " hours" : min + " min") + " ago";
};
const freshAtLoad = Date.now() <= staleAt;
const update = () => {
  if (freshAtLoad && Date.now() > staleAt && navigator.onLine) return location.reload();
  if (Date.now() > staleAt && !root.classList.contains("stale")) {
    root.classList.add("stale");
    document.title = "Out of date: " + document.title;
  }
  for (const time of all("time[data-ago]")) time.textContent = ago(Date.now() - Date.parse(time.dateTime));
};
update();
setInterval(update, 5000);
addEventListener("pageshow", update);
document.addEventListener("visibilitychange", update);
addEventListener("DOMContentLoaded", () => {
  update();
  const day = (ms) => new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" }).format(ms);
  document.addEventListener("pointerover", ({ target }) => {
    const time = target.closest("time");
    if (time) time.title = new Date(time.dateTime).toLocaleString();
  });
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("aria-hidden", "true");
  let shown;
  const hide = () => { tip.remove(); shown = undefined; };
  document.addEventListener("pointermove", ({ target, clientX }) => {
    const bars = target.closest(".bars[data-last]");
    if (!bars) return hide();
    const ranges = [...bars.children], box = bars.getBoundingClientRect();
    const sizes = ranges.map((range) => +range.dataset.n), total = sizes.reduce((a, b) => a + b, 0);
    const index = Math.min(total - 1, Math.max(0, Math.floor(((clientX - box.left) / box.width) * total)));
    if (shown === bars && tip.dataset.index === String(index)) return;
    for (const range of ranges) {
      const title = range.querySelector("title");
      if (title) { range.dataset.text = title.textContent.replace(/^[^:]*: /, ""); title.remove(); }
    }
    let at = 0, left = index;
    while (left >= sizes[at]) left -= sizes[at++];
    tip.textContent = day(Date.parse(bars.dataset.last) - (total - 1 - index) * 864e5) + ": " + ranges[at].dataset.text;
    tip.dataset.index = index;
    shown = bars;
    document.body.append(tip);
    const x = box.left + ((index + 0.5) / total) * box.width - tip.offsetWidth / 2;
    tip.style.left = Math.min(Math.max(8, x), innerWidth - tip.offsetWidth - 8) + scrollX + "px";
    tip.style.top = box.top + scrollY - tip.offsetHeight - 6 + "px";
  });
  document.addEventListener("pointerleave", hide);
  addEventListener("scroll", hide, { passive: true });
  const filter = document.querySelector(".filter");
  if (!filter) return;
  const search = document.getElementById("filter"), notUp = document.getElementById("not-up");
  const monitors = [...all(".monitor")], groups = [...all(".group")], HIDDEN = "hidden-by-filter";
  const matches = (monitor, words) => {
    const group = monitor.closest(".group");
    const named = [monitor.querySelector("summary>h3,summary>h4"), monitor.querySelector(".about"), group && group.querySelector("h3")];
    const text = named.map((each) => (each ? each.textContent : "")).join(" ").toLowerCase();
    return words.every((word) => text.includes(word)) && !(notUp.checked && monitor.classList.contains("up"));
  };
  const apply = () => {
    const words = search.value.toLowerCase().split(/\\s+/);
    for (const monitor of monitors) monitor.classList.toggle(HIDDEN, !matches(monitor, words));
    for (const group of groups) group.classList.toggle(HIDDEN, !group.querySelector(".monitor:not(." + HIDDEN + ")"));
    const count = monitors.filter((monitor) => !monitor.classList.contains(HIDDEN)).length;
    document.getElementById("matches").textContent = count + " of " + monitors.length + " shown";
  };
  filter.hidden = false;
  filter.addEventListener("input", apply);
  apply();
});
}
`;
