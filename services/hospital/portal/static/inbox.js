/**
 * The inbox: moves with j and k, keeps waiting times current, and says when referrals have come.
 * Rows never move by themselves; the bar loads the list again when it is asked to.
 */

import { call } from "/static/caretier/api.js";
import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { quiet } from "./presence.js";

const POLL_MS = 20 * 1000;
/** After so long untouched the page stops asking, so that it does not keep its session alive. */
const REST_MS = 5 * 60 * 1000;

const rows = byId("rows");
const bar = byId("fresh");
const title = document.title;
const then = { open: Number(rows.dataset.open), signed: Number(rows.dataset.signed), emergency: Number(rows.dataset.emergency) };

/** Referrals only go from open to signed, so the sum of both grows by what has come. */
function announce(counts) {
  const { signed, ...open } = counts;
  const total = Object.values(open).reduce((sum, count) => sum + count, 0) + signed;
  const count = total - then.open - then.signed;
  bar.hidden = count <= 0;
  document.title = count > 0 ? `(${count}) ${title}` : title;
  if (count <= 0) return;
  const fresh = t("inbox.fresh", { count });
  const urgent = (counts.emergency ?? 0) > then.emergency;
  byId("fresh-text").textContent = urgent ? t("inbox.fresh_emergency", { fresh }) : fresh;
  bar.classList.toggle("fresh__bar--emergency", urgent);
}

async function poll() {
  if (document.hidden || quiet() > REST_MS) return;
  try {
    announce(await call("GET", "/portal/api/counts"));
    bar.classList.remove("fresh__bar--offline");
  } catch (problem) {
    if (problem.status === 401) return;
    bar.hidden = false;
    bar.classList.add("fresh__bar--offline");
    byId("fresh-text").textContent = t("inbox.offline");
  }
}

function age(moment) {
  const minutes = Math.floor((Date.now() - moment) / 60000);
  if (minutes < 1) return t("age.now");
  if (minutes < 60) return t("age.minutes", { count: minutes });
  if (minutes < 60 * 24) return t("age.hours", { count: Math.floor(minutes / 60) });
  return t("age.days", { count: Math.floor(minutes / (60 * 24)) });
}

function refreshAges() {
  const key = location.search.includes("state=signed") ? "inbox.ago" : "inbox.waiting";
  for (const time of rows.querySelectorAll("time")) {
    time.textContent = t(key, { age: age(Date.parse(time.dateTime)) });
  }
}

function move(step) {
  const links = [...rows.querySelectorAll("a.inboxrow")];
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)].focus();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!byId("shortcuts").checked) return;
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  move(step);
});
setInterval(poll, POLL_MS);
setInterval(refreshAges, 60 * 1000);
addEventListener("visibilitychange", poll);
