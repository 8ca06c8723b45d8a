/** Complete answers on their way to a connected record, altered there, or taken back. */

import { call } from "/static/caretier/api.js";
import { h } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";

/** One thing at a time: a second click while it is on its way does nothing. */
async function once(preparation, path) {
  if (preparation.going) return;
  preparation.going = true;
  preparation.status.textContent = t("visits.going");
  try {
    preparation.draft = await call("POST", `/api/visits/${preparation.draft.response.id}/${path}`);
    preparation.status.textContent = "";
    preparation.show();
  } catch (problem) {
    preparation.failed(problem);
  } finally {
    preparation.going = false;
  }
}

/** What became of these answers, in words. */
function stands({ sent, former, taken }, takers) {
  if (sent) return t("visits.sent", { name: sent.to, date: when(sent.at) });
  if (taken) return t("visits.taken_back", { date: when(taken) });
  const last = former?.at(-1);
  if (last) return t("visits.altered", { name: last.to, date: when(last.at) });
  return t(takers ? "visits.send_text" : "visits.sending");
}

/** Whether every version that lies elsewhere can be taken back from here. */
function retractable({ sent, former }, places) {
  const away = [...(former ?? []), ...(sent ? [sent] : [])];
  return away.length > 0 && away.every((one) => places.some(({ id, takes_back: may }) => may && id === one.place));
}

/** True while no version of these answers lies elsewhere. */
export const stayed = ({ sent, former }) => !sent && !former?.length;

/**
 * How answers stand, and what can be done: send, and take back.
 * @param {object} preparation a `Preparation` whose answers are complete
 */
export function sending(preparation) {
  const { draft, places } = preparation;
  const to = draft.sent ? [] : places.filter((place) => place.sends);
  const takers = to.map((place) => preparation.button(t("visits.send", { name: place.name }), "send", () => once(preparation, `send/${place.id}`)));
  const back = retractable(draft, places) && preparation.button(t("visits.take_back"), "close", () => once(preparation, "take-back"), "button--quiet");
  return h(
    "div",
    { class: "stack stack--s noprint" },
    h("p", { class: "soft small" }, stands(draft, takers.length)),
    draft.sent && h("p", { class: "soft small" }, t(back ? "visits.alter" : "visits.alter_only")),
    h("div", { class: "row row--start" }, ...takers, back),
  );
}
