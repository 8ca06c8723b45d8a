/** Countries by their names in the reader's language: those that have an emergency number here. */

import { fill, h } from "/static/caretier/dom.js";
import { language } from "/static/caretier/i18n.js";
import { COUNTRIES } from "./emergency.js";

/**
 * Offer every country, and the one that is chosen even where it has no number of its own.
 * @param {HTMLSelectElement} select
 * @param {string} chosen ISO 3166-1 alpha-2
 */
export function offerCountries(select, chosen) {
  const name = new Intl.DisplayNames([language], { type: "region" });
  const codes = [...new Set([...COUNTRIES, chosen])];
  const sorted = codes.map((code) => [name.of(code), code]).sort(([left], [right]) => left.localeCompare(right, language));
  fill(select, ...sorted.map(([words, code]) => h("option", { value: code, selected: code === chosen }, words)));
}
