/**
 * The conversation of this tab: kept under the person's id, so that a reload or a lost session shows
 * it again, and begun anew when the person says so.
 */

import { call } from "/static/caretier/api.js";
import { randomId } from "/static/caretier/dom.js";
import { keepValue, kept } from "./keep.js";

const NAME = "conversation";

/** Id of the conversation that the next question belongs to. */
export function current() {
  return kept(NAME) ?? begin();
}

/** A new conversation. */
export function begin() {
  const id = randomId();
  keepValue(NAME, id);
  return id;
}

/** Go on with an earlier one. */
export function resume(id) {
  keepValue(NAME, id);
}

/** Whether one was going on before this page was loaded. */
export const goingOn = Boolean(kept(NAME));

/** What was said in it so far, oldest first. */
export async function earlier(id) {
  const { consults } = await call("GET", "/api/consults");
  return consults.filter(({ conversation }) => conversation === id).toSorted((left, right) => left.asked.localeCompare(right.asked));
}
