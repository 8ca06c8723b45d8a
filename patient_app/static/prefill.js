/**
 * A question that another page begins: kept for this tab only, never in an address, and put into
 * the field of the ask page, where the person may change it before anything is asked.
 */

const KEY = "caretier-asked-elsewhere";

/** Go to the ask page with a question in its field. */
export function askAbout(text) {
  sessionStorage.setItem(KEY, text);
  location.assign("/");
}

const field = document.getElementById("question");
const begun = sessionStorage.getItem(KEY);
if (field && begun) {
  sessionStorage.removeItem(KEY);
  field.value = begun;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}
