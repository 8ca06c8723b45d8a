/** The worklist: keys, what is done with ticked rows, and waiting times that stay current. */

import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { keys } from "/static/caretier/keys.js";
import { act, undo } from "./worklist_acts.js";
import { follow } from "./worklist_news.js";
import { move, rows, tell, tick } from "./worklist_rows.js";

const desk = byId("desk");
const MINUTE_MS = 60 * 1000;

function age(moment) {
  const minutes = Math.floor((Date.now() - moment) / MINUTE_MS);
  if (minutes < 1) return t("age.now");
  if (minutes < 60) return t("age.minutes", { count: minutes });
  if (minutes < 60 * 24) return t("age.hours", { count: Math.floor(minutes / 60) });
  return t("age.days", { count: Math.floor(minutes / (60 * 24)) });
}

function ages() {
  const key = desk.dataset.show === "signed" ? "inbox.ago" : "inbox.waiting";
  for (const row of rows()) {
    const time = row.querySelector("[data-age]");
    time.textContent = t(key, { age: age(Date.parse(time.dateTime)) });
  }
}

function filters() {
  (document.querySelector("#filters a[aria-current], #filters a") ?? byId("filters")).focus();
}

function acts() {
  desk.elements.offset.value = String(new Date().getTimezoneOffset());
  desk.addEventListener("submit", (event) => {
    event.preventDefault();
    act(event.submitter?.dataset.act ?? "take");
  });
  desk.addEventListener("change", tell);
  keys({ x: tick, u: undo });
  for (const [key, name] of Object.entries({ t: "take", h: "handover", s: "snooze", b: "release", w: "wake" })) {
    if (desk.querySelector(`[data-act="${name}"]`)) keys({ [key]: () => act(name) });
  }
}

keys({
  j: () => move(1),
  k: () => move(-1),
  "/": filters,
  r: () => (byId("fresh").hidden ? location.reload() : byId("fresh").click()),
});
acts();
follow();
setInterval(ages, MINUTE_MS);
