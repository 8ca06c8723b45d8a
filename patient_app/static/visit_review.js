/** A preparation looked over as a whole: what was answered, what is missing, and how it is handed over. */

import { banner, h, icon } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";
import { sending, stayed } from "./visit_sending.js";

const one = (given) => given.valueString ?? given.valueReference?.display ?? given.valueCoding?.display ?? t(given.valueBoolean ? "visits.yes" : "visits.no");

/** Answers in words; those of one entry of the record stand in one line. */
function said(items) {
  return items.flatMap((item) => {
    const inner = item.item ?? [];
    const entry = inner.some((part) => part.answer?.[0]?.valueReference);
    return entry ? [said(inner).join(" · ")] : [...(item.answer ?? []).map(one), ...said(inner)];
  });
}

function row(preparation, one, at, lacking) {
  const texts = said(one.read());
  const empty = lacking.includes(one.question.link) || one.element.querySelector(lacking.map((link) => `[data-link="${link}"]`).join(",") || "never");
  const edit = h("button", { class: "button button--small button--quiet noprint", type: "button", "aria-label": `${t("visits.edit")}: ${one.question.text}`, onclick: () => preparation.go(at) }, icon("edit"), t("visits.edit"));
  const words = texts.length ? h("ul", {}, ...texts.map((text) => h("li", { class: "pre" }, text))) : h("p", { class: "soft" }, t("visits.unanswered"));
  const mark = empty && h("span", { class: "badge badge--warn" }, icon("alert"), t("visits.needed"));
  return [h("dt", {}, one.question.text, " ", mark), h("dd", {}, words, edit)];
}

/** On paper, as a file, or to a connected record. */
function handOver(preparation) {
  const file = h("a", { class: "button", href: `/api/visits/${preparation.draft.response.id}/fhir`, download: "" }, icon("download"), t("visits.file"));
  const paper = preparation.button(t("parts.print"), "", () => print(), "button--primary");
  return [
    banner("ok", t("visits.done"), h("p", {}, t(stayed(preparation.draft) ? "visits.hand_over" : "visits.hand_over_too"))),
    h("div", { class: "row row--start noprint" }, paper, file),
    sending(preparation),
  ];
}

/**
 * The last page of a preparation.
 * @param {object} preparation the `Preparation` that it looks over
 * @param {object[]} pages its questions that apply
 * @returns {Node[]}
 */
export function review(preparation, pages) {
  const { form, missing, response } = preparation.draft;
  const lacking = missing ?? [];
  const done = response.status === "completed";
  const rows = pages.map((one, at) => row(preparation, one, at, lacking));
  const gap = lacking.length > 0 && banner("urgent", t("visits.missing"));
  const finish = !done && preparation.button(t("visits.finish"), "check", () => preparation.finish(), "button--primary");
  const actions = h("div", { class: "row row--between noprint" }, preparation.button(t("visits.list"), "", () => preparation.close(), "button--quiet"), finish);
  return [h("p", { class: "soft small" }, `${form.title} · ${when(response.authored)}`), gap, h("dl", { class: "reviewed" }, ...rows.flat()), ...(done ? handOver(preparation) : []), actions].filter(Boolean);
}
