/** The ledger: every crossing, with exactly the text that left. */

import { call } from "/static/caretier/api.js";
import { banner, byId, empty, fill, h } from "/static/caretier/dom.js";
import { known, size, t, when } from "/static/caretier/i18n.js";
import { place } from "./answer.js";

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
      h("time", { class: "soft small", datetime: one.time }, when(one.time)),
      h("span", { class: `badge badge--${KIND[one.state] ?? "info"}` }, words),
    ),
    h(
      "div",
      { class: "card" },
      h("h2", {}, t("ledger.to", { destination: place(one.destination) })),
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

async function start() {
  const place = byId("entries");
  try {
    const { entries } = await call("GET", "/api/ledger");
    const newest = entries.toSorted((left, right) => right.time.localeCompare(left.time));
    if (!newest.length) {
      fill(place, empty("shield", t("ledger.empty_title"), t("ledger.empty")));
      return;
    }
    fill(place, h("ol", { class: "ledger" }, ...newest.map(entry)));
    document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView({ block: "start" });
  } catch (problem) {
    fill(place, banner("problem", problem.message, problem.remedy && h("p", {}, problem.remedy)));
  }
}

start();
