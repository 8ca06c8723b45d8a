/** A message at the foot of the page with a way back; it stays long enough to be read and reached. */

import { h, icon } from "/static/caretier/dom.js";
import { toast } from "/static/caretier/toast.js";

const SECONDS = 12;

/**
 * @param {string} text what was done
 * @param {string} label of the button
 * @param {() => void} back undoes it
 */
export function undoable(text, label, back) {
  toast(text, "problem"); // stays until it is replaced: the time is ours
  const shown = document.querySelector(".toasts .toast");
  shown.className = "toast toast--ok";
  shown.querySelector(".icon").replaceWith(icon("check"));
  const button = h("button", { class: "button button--small", type: "button" }, label);
  button.addEventListener("click", () => {
    shown.remove();
    back();
  });
  shown.append(button);
  setTimeout(() => shown.remove(), SECONDS * 1000);
}
