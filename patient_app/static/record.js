/** The person's record in words, what bears on safety first. */

import { call } from "/static/caretier/api.js";
import { byId, empty, fill, h, icon, problemBanner } from "/static/caretier/dom.js";
import { known, t, when } from "/static/caretier/i18n.js";

const FIRST_SHOWN = 8;
const ORDER = ["allergy", "condition", "medication", "observation", "result", "immunization", "procedure", "appointment", "document"];

function slug(kind) {
  const name = kind.toLowerCase().replace(/s$/, "");
  const aliases = { allergie: "allergy", allergyintolerance: "allergy", medicationrequest: "medication", medicine: "medication" };
  return aliases[name] ?? name;
}

function heading(kind) {
  return known(`record.${slug(kind)}`) ? t(`record.${slug(kind)}`) : kind;
}

/** A document: its text where it lies in the record, else that it cannot be shown here. */
function opened(item) {
  if (item.body) return h("details", {}, h("summary", {}, t("record.read")), h("p", { class: "pre" }, item.body));
  return item.elsewhere && h("p", { class: "soft small" }, t("record.elsewhere"));
}

/** The day of an entry, where its sentence does not tell it. */
const dated = ({ date, text }) => date && !text.includes(date.slice(0, 4)) && h("span", { class: "soft small nowrap" }, when(date));

function fact(item) {
  return h(
    "li",
    { class: item.warning ? "fact fact--warning" : "fact" },
    h("span", {}, item.warning && h("span", { class: "badge badge--warn" }, icon("alert"), t("record.important")), item.text, opened(item)),
    dated(item),
  );
}

function group({ kind, items }) {
  const sorted = [...items].sort((left, right) => Number(right.warning) - Number(left.warning));
  const list = h("ul", { class: "list" }, ...sorted.slice(0, FIRST_SHOWN).map(fact));
  const more = h("button", { class: "button button--quiet button--small", type: "button" }, t("record.more", { count: items.length }));
  more.addEventListener("click", () => {
    list.append(...sorted.slice(FIRST_SHOWN).map(fact));
    more.remove();
  });
  return h("section", { class: "card" }, h("h2", {}, heading(kind)), list, items.length > FIRST_SHOWN && h("div", {}, more));
}

function rank({ kind }) {
  const at = ORDER.indexOf(slug(kind));
  return at < 0 ? ORDER.length : at;
}

/** Whose record it is, so that somebody else's is not taken for one's own. */
function whose(about) {
  if (!about?.name) return null;
  const said = about.born ? "whose_born" : "whose";
  return h("p", {}, t(`record.${said}`, { name: about.name, day: when(about.born) }));
}

async function show() {
  const place = byId("summary");
  try {
    const { summary, about } = await call("GET", "/api/record");
    const groups = summary.filter(({ items }) => items.length).sort((left, right) => rank(left) - rank(right));
    byId("aside").hidden = false;
    if (groups.length) fill(place, whose(about), ...groups.map(group));
    else fill(place, h("div", { class: "card" }, empty("record", t("record.empty_title"), t("record.empty"))));
  } catch (problem) {
    byId("aside").hidden = false;
    fill(place, problemBanner(problem));
  }
}

byId("print").addEventListener("click", () => print());
document.addEventListener("record-changed", show);
show();
