/** Which words of a reply are the draft's: marked in the reply, at the draft, and as a comparison. */

import { byId, fill, h } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { pieces } from "./authorship.js";
import { diff } from "./diff.js";

/** The pieces of a text as nodes, those of the draft marked. */
export function marked(text, sentences) {
  return pieces(text, sentences).map((one) =>
    one.sentence === null ? one.text : h("mark", { class: "drafted" }, one.text),
  );
}

/** Show which sentences still are the draft's; returns how many. */
export function mark(text, sentences) {
  const found = pieces(text, sentences).filter(({ sentence }) => sentence !== null);
  const place = document.getElementById("marks");
  if (!place) return found.length;
  fill(place, marked(text, sentences));
  byId("marks-count").textContent = found.length ? t("draft.count", { count: found.length }) : t("draft.count_none");
  const kept = new Set(found.map((one) => one.text));
  for (const one of document.querySelectorAll("[data-said]")) {
    const there = kept.has(sentences[Number(one.dataset.said)]);
    one.querySelector("[data-state]").textContent = t(there ? "draft.in_reply" : "draft.not_in_reply");
    one.classList.toggle("sentences__one--used", there);
  }
  return found.length;
}

/** Show what was changed against the draft, where that is open. */
export function compare(draft, text) {
  if (!byId("changes").open) return;
  const found = diff(draft, text);
  const kinds = { gone: "del", new: "ins" };
  if (found === null) fill(byId("diff"), t("reply.changes_large"));
  else if (found.every(({ kind }) => kind === "same")) fill(byId("diff"), t("reply.changes_none"));
  else fill(byId("diff"), found.map((one) => (kinds[one.kind] ? h(kinds[one.kind], {}, one.text) : one.text)));
}
