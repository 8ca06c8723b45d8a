/** Sentences with the markers of their sources, and the list of sources that the markers lead to. */

import { h, icon, safeUrl } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";

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
  const order = [...new Set(first)];
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
