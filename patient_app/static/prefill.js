/**
 * A question that another page begins: kept for this tab only, never in an address, and put into
 * the field of the ask page, where the person may change it before anything is asked.
 */

import { forget, keepValue, kept } from "./keep.js";

const NAME = "elsewhere";

/** Go to the ask page with a question in its field. */
export function askAbout(text) {
  keepValue(NAME, text);
  location.assign("/");
}

const field = document.getElementById("question");
const begun = kept(NAME);
if (field && begun) {
  forget(NAME);
  field.value = begun;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}
