/** The person's results: each test with its curve, its range, what changed, and what it is for. */

import { call } from "/static/caretier/api.js";
import { banner, byId, empty, fill, h, icon, problemBanner } from "/static/caretier/dom.js";
import { known, t, when } from "/static/caretier/i18n.js";
import { plot } from "./curves.js";
import { askAbout } from "./prefill.js";
import { englishNote, passage } from "./sources.js";

const KIND = { critical: "problem", high: "warn", low: "warn" };
const day = (iso) => (iso ? when(iso) : t("results.undated"));

function badge(point) {
  if (point.flag) return h("span", { class: `badge badge--${KIND[point.flag]}` }, icon("alert"), t(`results.${point.flag}`));
  return point.within && h("span", { class: "badge badge--ok" }, t("results.within"));
}

function change(before) {
  if (!before) return t("results.first");
  const words = { value: before.value, day: day(before.day), by: before.by };
  return t(`results.${before.step ?? "before"}`, words);
}

function range(test) {
  if (!test.range) return t("results.no_range");
  return t(test.range.target ? "results.target" : "results.range", { span: test.range.span });
}

function picture(test, curve, frame) {
  const points = test.points.filter((one) => one.day);
  const [last, first] = [points[0], points.at(-1)];
  const words = { name: test.name, count: points.length, first: first.value, last: last.value };
  const label = t("results.curve", { ...words, first_day: day(first.day), last_day: day(last.day) });
  return [plot(curve, frame, label, day), curve.ranges > 1 && h("p", { class: "soft small" }, t("results.ranges"))];
}

function figures({ name, points }) {
  const row = (one) => h("tr", {}, h("td", { class: "num" }, day(one.day)), h("td", {}, h("span", { class: "num" }, one.value), " ", badge(one)));
  return h(
    "details",
    { class: "curve__figures" },
    h("summary", {}, t("results.figures", { count: points.length })),
    h(
      "table",
      { class: "table", "aria-label": name },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("results.day")), h("th", { scope: "col" }, t("results.value")))),
      h("tbody", {}, ...points.map(row)),
    ),
  );
}

function about(test) {
  if (!test.about) return h("p", { class: "soft small noprint" }, t("results.nothing"));
  const head = (one) => (known(`results.about_${one.section}`) ? t(`results.about_${one.section}`) : "");
  return h(
    "details",
    { class: "leaflet noprint" },
    h("summary", {}, t("results.about")),
    h("h3", {}, test.about.title),
    englishNote(),
    ...test.about.passages.map((one) => passage(one, head(one))),
  );
}

function card(test, frame) {
  const { newest } = test;
  const question = t("results.question", { name: test.name });
  return h(
    "section",
    { class: "card curve", "aria-labelledby": `name-${test.id}`, id: test.id },
    h("div", { class: "curve__head" }, h("h2", { id: `name-${test.id}` }, test.name), h("p", {}, h("strong", { class: "num result__now" }, newest.value), " ", badge(newest))),
    newest.flag === "critical" && banner("urgent", t("results.critical_title"), h("p", {}, t("results.critical_text"))),
    h("p", { class: "soft small" }, h("time", { datetime: newest.day }, day(newest.day)), newest.preliminary && ` · ${t("results.preliminary")}`, ` · ${range(test)}`),
    !newest.flag && !newest.within && test.range && h("p", { class: "soft small" }, t("results.unmarked")),
    test.units.length > 0 && h("p", { class: "soft small" }, t("results.other_units", { list: test.units.join(", ") })),
    h("p", { class: "small" }, change(test.before)),
    ...test.curves.flatMap((one) => picture(test, one, frame)),
    test.points.length > 1 && figures(test),
    about(test),
    h("p", { class: "noprint" }, h("button", { class: "button button--small", type: "button", "aria-label": `${t("results.ask")}: ${test.name}`, onclick: () => askAbout(question) }, icon("ask"), t("results.ask"))),
  );
}

async function start() {
  const place = byId("results");
  try {
    const { tests, frame } = await call("GET", "/api/results");
    const add = h("a", { class: "button button--primary", href: "/record" }, t("results.add"));
    if (tests.length) fill(place, h("div", { class: "curves" }, ...tests.map((one) => card(one, frame))));
    else fill(place, h("div", { class: "card" }, empty("chart", t("results.empty_title"), t("results.empty"), add)));
  } catch (problem) {
    fill(place, problemBanner(problem));
  }
  place.removeAttribute("aria-busy");
}

byId("print").addEventListener("click", () => print());
start();
