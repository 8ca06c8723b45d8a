/** Who answered, how far the question went, and what left the device: the last line of each answer. */

import { h, icon } from "/static/caretier/dom.js";
import { known, size, t } from "/static/caretier/i18n.js";

const TIERS = ["device", "clinic", "hospital"];
const VERSION_CHARS = 19;

/** The clinician who signed an answer, null for one that no person wrote. */
export function signer(answer) {
  if (!answer.experts?.includes("clinician")) return null;
  return answer.trace?.findLast(({ step }) => step === "sign")?.detail?.by ?? t("tier.hospital");
}

/** Device, clinic, hospital: filled up to the tier that answered. */
export function tiers(tier) {
  const reach = TIERS.indexOf(tier);
  const items = TIERS.map((level, at) =>
    h(
      "li",
      { class: at === reach ? "here" : at < reach ? "reached" : null },
      h("span", { class: "dot", title: t(`tier.${level}`) }, icon(level)),
    ),
  );
  return h("ul", { class: "tiers", "aria-hidden": "true" }, ...items);
}

/** A tier in words; another name as it is. */
export function place(name) {
  return known(`tier.${name}`) ? t(`tier.${name}`) : name;
}

/** What left, in words; a queued message has not left yet. */
function crossing(answer) {
  const gone = answer.disclosure?.receipt ? answer.disclosure : null;
  if (!gone) return t("answer.nothing_left");
  const key = answer.status === "queued" ? "answer.will_leave" : "answer.left";
  return t(key, { size: size(gone.bytes), destination: place(gone.destination) });
}

/** One line: who answered, and what left the device. */
export function receipt(answer) {
  const gone = answer.disclosure?.receipt;
  const answered = answer.status === "answered";
  const ruled = answer.status === "emergency" && !answer.sentences?.length;
  const by = answered ? `${t("answer.by", { tier: t(`tier.${answer.tier}`) })}.` : "";
  return h(
    "div",
    { class: "receipt" },
    tiers(answer.tier),
    h(
      "p",
      {},
      by && h("strong", {}, by, " "),
      ruled && h("strong", {}, t("answer.rules"), " "),
      h("span", { "data-stayed": gone ? null : "" }, crossing(answer)),
      " ",
      gone && h("a", { href: `/ledger#r-${encodeURIComponent(gone)}` }, t("answer.see_ledger")),
    ),
    answered && how(answer),
  );
}

/** What a careful reader wants besides, folded: what chose the words, who could read the question. */
function how(answer) {
  const { model, disclosure } = answer;
  const rows = [
    !signer(answer) && [t("answer.how_model"), model.name],
    !signer(answer) && [t("answer.how_version"), model.digest.slice(0, VERSION_CHARS)],
    disclosure?.receipt && [t("answer.how_readers"), disclosure.readers.map(place).join(", ")],
    disclosure?.receipt && [t("answer.how_receipt"), disclosure.receipt],
  ].filter(Boolean);
  if (!rows.length) return null;
  return h(
    "details",
    { class: "receipt__how" },
    h("summary", {}, t("answer.how"), icon("chevron")),
    h("dl", { class: "pairs small" }, ...rows.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)])),
  );
}
