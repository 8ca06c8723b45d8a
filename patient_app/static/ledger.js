/** The ledger: every crossing, with exactly the text that left. */

import { call } from "/static/caretier/api.js";
import { byId, empty, fill, h, problemBanner } from "/static/caretier/dom.js";
import { known, language, size, t, when } from "/static/caretier/i18n.js";
import { place } from "./receipt.js";

const KIND = {
  queued: "warn",
  sent: "info",
  referred: "info",
  abstained: "routine",
  refused: "problem",
  answered: "ok",
  withdrawn: "routine",
  failed: "problem",
};

function pairs(rows) {
  return h("dl", { class: "pairs" }, ...rows.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]));
}

function entry(one) {
  const words = known(`state.${one.state}`) ? t(`state.${one.state}`) : one.state;
  return h(
    "li",
    { id: `r-${one.receipt}`, "data-state": one.state },
    h(
      "div",
      { class: "row row--between" },
      h("time", { class: "soft small num", datetime: one.time }, clock(one.time)),
      h("span", { class: `badge badge--${KIND[one.state] ?? "info"}` }, words),
    ),
    h(
      "div",
      { class: "card" },
      h("h3", {}, t("ledger.to", { destination: place(one.destination) })),
      h("p", { class: "small soft" }, t("ledger.text_shown")),
      h("p", { class: "leaves" }, one.text),
      pairs([
        [t("ledger.readers"), one.readers.map(place).join(", ")],
        [t("ledger.size"), size(one.bytes)],
        [t("ledger.receipt"), h("code", { class: "mono" }, one.receipt)],
      ]),
      one.consult && h("p", {}, h("a", { href: `/history#q-${encodeURIComponent(one.consult)}` }, t("ledger.question"))),
    ),
  );
}

const clock = (iso) => new Intl.DateTimeFormat(language, { timeStyle: "short" }).format(new Date(iso));
const dayOf = (iso) => new Intl.DateTimeFormat("sv", { dateStyle: "short" }).format(new Date(iso));

/** The crossings of one day, the newest first. */
function day([date, entries]) {
  const id = `day-${date}`;
  const count = h("span", { class: "chip num" }, t("ledger.times", { count: entries.length }));
  return h(
    "section",
    { class: "stack stack--s", "aria-labelledby": id },
    h("h2", { id, class: "ledger__day" }, when(date, "full"), " ", count),
    h("ol", { class: "ledger" }, ...entries.map(entry)),
  );
}

async function start() {
  const place = byId("entries");
  try {
    const { entries } = await call("GET", "/api/ledger");
    const newest = entries.toSorted((left, right) => right.time.localeCompare(left.time));
    if (!newest.length) {
      fill(place, empty("shield", t("ledger.empty_title"), t("ledger.empty")));
      return;
    }
    const days = Map.groupBy(newest, (one) => dayOf(one.time));
    fill(place, ...[...days].map(day));
    document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView({ block: "start" });
  } catch (problem) {
    fill(place, problemBanner(problem));
  }
}

byId("print").addEventListener("click", () => print());
start();
