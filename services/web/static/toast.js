/** Short messages at the foot of the page, read out politely, gone after some seconds. */

import { h, icon } from "./dom.js";

const SECONDS = 6;

function shelf() {
  let element = document.querySelector(".toasts");
  if (!element) {
    element = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
    document.body.append(element);
  }
  return element;
}

/**
 * Show a message.
 * @param {string} text
 * @param {"ok"|"problem"} [kind] a problem stays until it is replaced by the next message
 * @param {{label: string, act: () => void}} [action] a button in it, as for undo; there is then more
 *   time, and none runs out while the message has focus or pointer
 * @returns {HTMLElement} the message, connected for as long as it is shown
 */
export function toast(text, kind = "ok", action = null) {
  const end = () => (element.matches(":hover, :focus-within") ? setTimeout(end, 1000) : element.remove());
  const act = () => {
    element.remove();
    action.act();
  };
  const element = h(
    "div",
    { class: `toast toast--${kind}` },
    icon(kind === "problem" ? "alert" : "check"),
    h("span", {}, text),
    action && h("button", { class: "button button--small toast__act", type: "button", onclick: act }, action.label),
  );
  shelf().replaceChildren(element);
  if (kind !== "problem") setTimeout(end, (action ? 2 : 1) * SECONDS * 1000);
  return element;
}

/** Show a problem with its remedy. */
export function toastProblem(problem) {
  toast([problem.message, problem.remedy].filter(Boolean).join(" "), "problem");
}
