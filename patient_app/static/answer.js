/**
 * Turns the messages of a consult into elements: triage banner, sentences with markers, sources,
 * confidence, how far it went and what left. Pure rendering; nothing is fetched here.
 */

import { banner, h, icon, safeUrl } from "/static/caretier/dom.js";
import { known, size, t, when } from "/static/caretier/i18n.js";
import { numbers, tel } from "./emergency.js";

const TIERS = ["device", "clinic", "hospital"];
const HIGH = 0.8;
const MEDIUM = 0.5;
const VERSION_CHARS = 19;
let serial = 0;

/** A prefix for ids that no other answer on the page has. */
export function nextPrefix() {
  serial += 1;
  return `a${serial}`;
}

/** The banner of triage, null when it is routine. In an emergency the call button comes first. */
export function triageBanner(triage, country) {
  if (triage?.level === "emergency") return emergencyBanner(triage, country);
  if (triage?.level !== "urgent") return null;
  return banner(
    "urgent",
    t("answer.urgent_title"),
    triage.advice && h("p", {}, triage.advice),
    triage.source && h("p", { class: "small" }, t("answer.follows", { source: triage.source })),
  );
}

function emergencyBanner(triage, country) {
  const buttons = numbers(triage.advice, country).map((number, at) =>
    h(
      "a",
      { class: at ? "button button--second" : "button", href: tel(number) },
      icon("phone"),
      t(at ? "answer.call_also" : "answer.call", { number }),
    ),
  );
  return h(
    "div",
    { class: "banner banner--emergency", role: "alert" },
    icon("alert", "icon--l"),
    h(
      "div",
      { class: "banner__body" },
      h("p", { class: "banner__title" }, t("answer.emergency_title")),
      h("div", { class: "row" }, ...buttons),
      triage.advice && h("p", { class: "banner__text" }, triage.advice),
      triage.source && h("p", { class: "small" }, t("answer.follows", { source: triage.source })),
    ),
  );
}

/**
 * One sentence with its markers.
 * @param {{text: string, citations: string[]}} sentence
 * @param {(id: string) => number} numberOf number of a source, counted from 1
 * @param {string} prefix of the ids of the source list
 */
export function sentence({ text, citations }, numberOf, prefix) {
  const marks = citations.map((id) => {
    const number = numberOf(id);
    return h(
      "a",
      { class: "cite", href: `#${prefix}-${number}`, "aria-label": t("answer.cite", { number }) },
      number,
    );
  });
  return h("p", {}, text, ...marks);
}

/** Counts sources in the order in which sentences name them. */
export function numbering(first = []) {
  const order = [...first];
  return (id) => {
    if (!order.includes(id)) order.push(id);
    return order.indexOf(id) + 1;
  };
}

/** List of sources; its numbers are those of the markers. */
export function sources(citations, numberOf, prefix) {
  const items = citations
    .map((citation) => ({ citation, number: numberOf(citation.id) }))
    .sort((left, right) => left.number - right.number)
    .map(({ citation, number }) => source(citation, number, prefix));
  // Beside the answer on a wide screen; below it, folded, on a phone.
  const open = matchMedia("(width >= 64rem)").matches;
  const count = t("answer.sources_count", { count: items.length });
  return h(
    "details",
    { class: "sources sidebyside__stick", open },
    h("summary", {}, icon("cite"), count, icon("chevron")),
    h("ol", { class: "citations" }, ...items),
  );
}

/** Unfold the list and bring the source of a marker into view and focus. */
export function revealSource(mark) {
  const item = document.getElementById(mark.hash.slice(1));
  const list = item?.closest("details.sources");
  if (list) list.open = true;
  item?.focus();
}

/** A fact of the person's own record has the day of the fact; a source, the day of its text. */
function dated({ id, date }) {
  if (!date) return "";
  return /^[A-Z][A-Za-z]+\//.test(id) ? when(date) : t("citation.dated", { date: when(date) });
}

function source(citation, number, prefix) {
  const url = safeUrl(citation.url);
  const title = url
    ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, citation.title)
    : citation.title;
  return h(
    "li",
    { class: "citation", id: `${prefix}-${number}`, tabindex: "-1" },
    h("span", { class: "citation__n" }, number),
    h(
      "div",
      { class: "citation__body" },
      h("p", { class: "citation__title" }, title),
      h("p", { class: "citation__meta" }, [citation.source, dated(citation)].filter(Boolean).join(" · ")),
      citation.quote && h("blockquote", { class: "pre" }, citation.quote),
    ),
  );
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

function state(answer) {
  const { status, disclosure } = answer;
  if (status === "queued") {
    const tier = t(`tier.${answer.degraded_from ?? "clinic"}`);
    return banner("info", t("answer.queued_title"), h("p", {}, t("answer.queued", { tier })));
  }
  if (status === "referred" && disclosure?.receipt) {
    return banner("info", t("answer.referred_title"), h("p", {}, t("answer.referred")));
  }
  if (status === "abstained") {
    const said = answer.sentences?.length ? "" : answer.text;
    if (said) return banner("info", "", h("p", { class: "pre" }, said)); // it says why by itself
    return banner("info", t("answer.abstained"), h("p", { class: "pre" }, t("answer.abstained_text")));
  }
  return null;
}

/** The clinician who signed an answer, null for one that no person wrote. */
function signer(answer) {
  if (!answer.experts?.includes("clinician")) return null;
  return answer.trace?.findLast(({ step }) => step === "sign")?.detail?.by ?? t("tier.hospital");
}

function words(answer, numberOf, prefix) {
  // What a clinician signed is shown as it was signed: the sentences are only what it quotes.
  if (signer(answer)) return [h("p", { class: "pre" }, answer.text)];
  if (answer.sentences?.length) {
    return answer.sentences.map((one) => sentence(one, numberOf, prefix));
  }
  // Advice of triage and the words of an abstention stand in their banners already.
  const told = answer.status === "abstained" || answer.text === answer.triage?.advice;
  return answer.text && !told ? [h("p", { class: "pre" }, answer.text)] : [];
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
