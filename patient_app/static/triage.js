/** The banner of triage: what to do now, before any answer; in an emergency the call button first. */

import { banner, h, icon } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { numbers, tel } from "./emergency.js";

/** The banner of triage, null when it is routine. In an emergency the call button comes first. */
export function triageBanner(triage, country) {
  if (triage?.level === "emergency") return emergencyBanner(triage, country);
  if (triage?.level !== "urgent") return null;
  return banner(
    "urgent",
    t("answer.urgent_title"),
    triage.advice && h("p", {}, triage.advice),
    triage.source && h("p", { class: "small" }, t("answer.follows", { source: triage.source })),
  );
}

function emergencyBanner(triage, country) {
  const buttons = numbers(triage.advice, country).map((number, at) =>
    h(
      "a",
      { class: at ? "button button--second" : "button", href: tel(number) },
      icon("phone"),
      t(at ? "answer.call_also" : "answer.call", { number }),
    ),
  );
  return h(
    "div",
    { class: "banner banner--emergency", role: "alert" },
    icon("alert", "icon--l"),
    h(
      "div",
      { class: "banner__body" },
      h("p", { class: "banner__title" }, t("answer.emergency_title")),
      h("div", { class: "row" }, ...buttons),
      triage.advice && h("p", { class: "banner__text" }, triage.advice),
      triage.source && h("p", { class: "small" }, t("answer.follows", { source: triage.source })),
    ),
  );
}
