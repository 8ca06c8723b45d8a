/** What the record says against the medicines of the reply: kept as the text is, and asked of before it is signed. */

import { banner, byId, fill, h } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";

const line = ({ medicine, text, why }) =>
  h("li", {}, h("strong", {}, medicine), `: ${why}`, text && h("p", { class: "small" }, `${t("draft.rule_words")} `, h("q", {}, text)));

/** Show what a saved text has against it; nothing where nothing was found. */
export function warn(found) {
  fill(byId("against"), found.length ? banner("urgent", t("reply.against"), h("ul", { class: "follows" }, found.map(line))) : []);
}

/** Show the same where the reply is read a last time. */
export function repeat() {
  byId("confirm-against").replaceChildren(...[...byId("against").children].map((one) => one.cloneNode(true)));
}
