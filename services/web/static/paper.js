/**
 * What stands in the margins of every printed sheet: whom it is about, what it is, who printed it
 * and when. `#paper` names the first and the third; print.css puts them where they stand.
 */

import { t, when } from "./i18n.js";

/** A text as a string of CSS. */
function quoted(text) {
  const plain = text.replace(/\s+/g, " ").trim();
  return `"${plain.replace(/["\\]/g, "\\$&")}"`;
}

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);

addEventListener("beforeprint", () => {
  const { who = "", by = "" } = document.getElementById("paper")?.dataset ?? {};
  const now = when(new Date().toISOString());
  const said = {
    who,
    what: document.title,
    by: by ? t("frame.printed_by", { name: by, when: now }) : t("frame.printed", { when: now }),
  };
  const parts = Object.entries(said).map(([part, text]) => `--paper-${part}: ${quoted(text)};`);
  sheet.replaceSync(`:root { ${parts.join(" ")} }`);
});
