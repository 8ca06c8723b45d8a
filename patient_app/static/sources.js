/** Sentences of a source with the source below them: what the device's knowledge says, unchanged. */

import { h, safeUrl } from "/static/caretier/dom.js";
import { language, t, when } from "/static/caretier/i18n.js";

/** One passage: its heading where it is given, its text, medical words explained, its source. */
export function passage(one, heading = "") {
  const url = safeUrl(one.url);
  const name = url ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, one.source) : one.source;
  return h(
    "figure",
    { class: "sourced" },
    heading && h("h4", {}, heading),
    h("blockquote", { lang: "en" }, one.text),
    one.words.length > 0 && h("ul", { class: "sourced__words small" }, ...one.words.map(({ word, plain }) => h("li", {}, h("b", {}, word), `: ${plain}`))),
    h("figcaption", { class: "soft small" }, name, ` · ${when(one.date)}`),
  );
}

/** Why the sentences are English, on a page that is not. */
export function englishNote() {
  return language === "en" ? null : h("p", { class: "soft small" }, t("parts.english"));
}
