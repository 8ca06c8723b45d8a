/**
 * Keeps a worklist current without moving anything: counts change, rows that somebody changed are
 * marked where they are, and a bar says what is new; it loads the list again when it is asked to.
 */

import { call } from "/static/caretier/api.js";
import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { quiet } from "./presence.js";
import { idOf, mark, rows } from "./worklist_rows.js";

const POLL_MS = 20 * 1000;
/** Pages that were opened together do not ask together. */
const SPREAD_MS = 5 * 1000;
/** After so long untouched the page stops asking, so that it does not keep its session alive. */
const REST_MS = 5 * 60 * 1000;

const desk = byId("desk");
const bar = byId("fresh");
const title = document.title;
let turn = 0;

function announce({ fresh, emergency }) {
  const count = fresh || Number(emergency);
  bar.hidden = !count;
  document.title = count ? `(${count}) ${title}` : title;
  if (!count) return;
  const words = t("inbox.fresh", { count });
  byId("fresh-text").textContent = emergency ? t("inbox.fresh_emergency", { fresh: words }) : words;
  bar.classList.toggle("fresh__bar--emergency", emergency);
}

/** Put a figure where it differs, so that a screen reader is not told of what stayed. */
function put(element, text) {
  if (element && element.textContent !== String(text)) element.textContent = text;
}

function figures(news) {
  for (const place of document.querySelectorAll(".tabs [data-count], #filters [data-count]")) {
    put(place, news.counts[place.dataset.count] ?? 0);
  }
  for (const one of document.querySelectorAll(".counts__one")) {
    const kind = one.dataset.urgency;
    const count = (kind === "late" ? news.overdue : news.urgencies[kind]) ?? 0;
    put(one.querySelector(".counts__n"), count);
    one.className = `counts__one counts__one--${count ? kind : "none"}`;
  }
  put(byId("total"), t("worklist.total", { count: news.total }));
  const outside = byId("hidden");
  outside.hidden = !news.hidden || desk.dataset.show === "signed";
  put(byId("hidden-text"), t("worklist.hidden", { count: news.hidden }));
}

/** Ask now what has changed; an answer that another one overtook is older than what is shown. */
export async function refresh() {
  const mine = (turn += 1);
  const ids = rows().map(idOf).join(",");
  const since = encodeURIComponent(desk.dataset.at);
  const query = desk.dataset.query ? `${desk.dataset.query}&` : "";
  const news = await call("GET", `/portal/api/worklist?${query}since=${since}&rows=${ids}`);
  if (mine !== turn) return;
  figures(news);
  announce(news);
  for (const row of rows()) mark(row, news.rows[idOf(row)] ?? null);
}

async function poll() {
  if (document.hidden || quiet() > REST_MS) return;
  try {
    await refresh();
    bar.classList.remove("fresh__bar--offline");
  } catch (problem) {
    if (problem.status === 401) return;
    bar.hidden = false;
    bar.classList.add("fresh__bar--offline");
    byId("fresh-text").textContent = t("inbox.offline");
  }
}

/** Ask again and again from now on. */
export function follow() {
  setTimeout(() => setInterval(poll, POLL_MS), Math.random() * SPREAD_MS);
  addEventListener("visibilitychange", poll);
}
