/** Where what a person said of an answer stands, in words; with the page that shows or changes that. */

import { h } from "/static/caretier/dom.js";
import { known, t } from "/static/caretier/i18n.js";
import { place } from "./receipt.js";

/**
 * @param {object|null} signal what was said
 * @returns {(string|Node)[]} nothing where nothing was said
 */
export function standing(signal) {
  if (!signal) return [];
  if (signal.state === "kept") {
    const key = `signal.kept_${signal.why}`;
    const link = signal.why === "no-consent" && h("a", { href: "/settings#purposes" }, t("signal.settings"));
    return [known(key) ? t(key) : t("signal.kept"), " ", link].filter(Boolean);
  }
  const words = t(`signal.${signal.state}`, { destination: place(signal.destination) });
  return [words, " ", h("a", { href: "/ledger" }, t("signal.see"))];
}
