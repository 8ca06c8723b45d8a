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
 */
export function toast(text, kind = "ok") {
  const element = h(
    "div",
    { class: `toast toast--${kind}` },
    icon(kind === "problem" ? "alert" : "check"),
    h("span", {}, text),
  );
  shelf().replaceChildren(element);
  if (kind !== "problem") setTimeout(() => element.remove(), SECONDS * 1000);
}

/** Show a problem with its remedy. */
export function toastProblem(problem) {
  toast([problem.message, problem.remedy].filter(Boolean).join(" "), "problem");
}
