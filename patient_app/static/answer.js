/**
 * A whole answer as elements: its state, its sentences, its confidence, its sources and its receipt.
 * Pure rendering; nothing is fetched here.
 */

import { banner, h, icon } from "/static/caretier/dom.js";
import { known, t } from "/static/caretier/i18n.js";
import { numbering, sentence, sources } from "./citations.js";
import { receipt, signer } from "./receipt.js";

const HIGH = 0.8;
const MEDIUM = 0.5;
let serial = 0;

/** A prefix for ids that no other answer on the page has. */
export function nextPrefix() {
  serial += 1;
  return `a${serial}`;
}

function confidence(value) {
  const level = value >= HIGH ? "high" : value >= MEDIUM ? "medium" : "low";
  const filled = { high: 3, medium: 2, low: 1 }[level];
  const bars = [1, 2, 3].map((at) => h("span", { class: at <= filled ? "on" : null }));
  return h(
    "p",
    { class: "confidence" },
    h("span", { class: "bars", "aria-hidden": "true" }, ...bars),
    h("span", {}, t(`confidence.${level}`)),
  );
}

function state(answer) {
  const { status, disclosure } = answer;
  if (status === "queued") {
    const tier = t(`tier.${answer.degraded_from ?? "clinic"}`);
    return banner("info", t("answer.queued_title"), h("p", {}, t("answer.queued", { tier })), h("p", {}, t("answer.worse")));
  }
  if (status === "referred" && disclosure?.receipt) {
    return banner("info", t("answer.referred_title"), h("p", {}, t("answer.referred")), h("p", {}, t("answer.worse")));
  }
  if (status === "abstained") {
    const said = answer.sentences?.length ? "" : answer.text;
    if (said) return banner("info", "", h("p", { class: "pre" }, said)); // it says why by itself
    return banner("info", t("answer.abstained"), h("p", { class: "pre" }, t("answer.abstained_text")));
  }
  return null;
}

function sent({ status, disclosure }) {
  return status === "queued" || (status === "referred" && Boolean(disclosure?.receipt));
}

function words(answer, numberOf, prefix) {
  // What a clinician signed is shown as it was signed: the sentences are only what it quotes.
  if (signer(answer)) return [h("p", { class: "pre" }, answer.text)];
  if (answer.sentences?.length) {
    return answer.sentences.map((one) => sentence(one, numberOf, prefix));
  }
  // Advice of triage, the words of an abstention and an offer that was taken stand in their banners.
  const told = answer.status === "abstained" || answer.text === answer.triage?.advice || sent(answer);
  return answer.text && !told ? [h("p", { class: "pre" }, answer.text)] : [];
}

/**
 * What the device knows of the person that the sentences do not say: nothing was held against an
 * empty record, and what is written for adults is not for a child.
 */
function forWhom(answer) {
  if (answer.status !== "answered" || answer.tier !== "device") return [];
  const known = answer.trace?.find(({ step }) => step === "person")?.detail ?? {};
  const way = h("a", { href: "/record#import" }, t("answer.add_record"));
  return [
    known.child && banner("urgent", t("answer.child"), h("p", {}, t("answer.child_do"))),
    (known.empty || known.listed) && banner("info", "", h("p", {}, t(known.empty ? "answer.no_record" : "answer.listed"), " ", way)),
  ];
}

/** What the same sources say besides, folded. */
function besides(answer, numberOf, prefix) {
  if (!answer.more?.length || signer(answer)) return null;
  return h(
    "details",
    { class: "answer__more" },
    h("summary", {}, t("answer.more"), icon("chevron")),
    ...answer.more.map((one) => sentence(one, numberOf, prefix)),
  );
}

/** Units converted and words explained, below the words that they belong to. */
function notes(answer) {
  if (!answer.notes?.length) return null;
  const label = t("answer.notes");
  return h(
    "ul",
    { class: "answer__notes small soft", "aria-label": label },
    ...answer.notes.map(({ text }) => h("li", {}, text)),
  );
}

/**
 * A whole answer.
 * @param {object} answer message `Answer`
 * @param {{prefix?: string, actions?: Node[]}} [options] `actions` stand below the text
 */
export function whole(answer, { prefix = nextPrefix(), actions = [] } = {}) {
  const numberOf = numbering((answer.sentences ?? []).flatMap((one) => one.citations));
  const text = words(answer, numberOf, prefix);
  const from = answer.degraded_from;
  const by = signer(answer);
  const drafted = answer.status === "answered" && !by;
  const main = h(
    "div",
    { class: "card answer__main" },
    state(answer),
    from && answer.status !== "queued" && banner("info", "", h("p", {}, t("answer.degraded", { tier: t(`tier.${from}`) }))),
    ...forWhom(answer),
    text.length > 0 && h("div", { class: "answer__text" }, ...text),
    notes(answer),
    besides(answer, numberOf, prefix),
    by && h("p", { class: "small" }, t("answer.signed_by", { name: by })),
    drafted && confidence(answer.confidence),
    drafted && h("p", { class: "soft small" }, t("answer.not_advice")),
    ...actions,
    receipt(answer),
  );
  const sourced = answer.citations?.length > 0;
  return h(
    "div",
    { class: sourced ? "answer answer--sourced" : "answer" },
    main,
    sourced && sources(answer.citations, numberOf, prefix),
  );
}

/** Words for the step that follows the one just finished. */
export function stepWords(step) {
  return known(`step.${step}`) ? t(`step.${step}`) : t("ask.working");
}
