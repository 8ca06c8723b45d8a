/** A message at the foot of the page with a way back; there is time enough to read and to reach it. */

import { toast } from "/static/caretier/toast.js";

/**
 * @param {string} text what was done
 * @param {string} label of the button
 * @param {() => void} back undoes it
 */
export function undoable(text, label, back) {
  toast(text, "ok", { label, act: back });
}
