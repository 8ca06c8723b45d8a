/**
 * The offer to ask the clinic: a card, the dialog that shows exactly what would leave, the sending,
 * and the waiting for the reply. Nothing leaves before the person presses "Send" in that dialog.
 */

import { call, look } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { banner, byId, fill, h, icon } from "/static/caretier/dom.js";
import { size, t } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { place } from "./receipt.js";
import { Redaction } from "./redact.js";

const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 20000;

/** Card under an answer that ends in an offer. `show` opens the preview. */
export function offerCard(reason, show) {
  const button = h("button", { class: "button button--primary", type: "button" }, icon("clinic"), t("offer.show"));
  button.addEventListener("click", () => busy(button, show));
  return h(
    "section",
    { class: "card card--accent", "aria-label": t("offer.card_title") },
    h("h3", {}, reason || t("offer.card_title")),
    h("p", { class: "small" }, t("offer.card_text")),
    h("div", { class: "row" }, button),
  );
}

/** Quiet button for an answer that did not end in an offer. */
export function alsoButton(show) {
  const button = h("button", { class: "button button--quiet button--small", type: "button" }, icon("clinic"), t("offer.also"));
  button.addEventListener("click", () => busy(button, show));
  return h("div", { class: "row" }, button);
}

/** A clinic that there is none of yet: the way to one, where the button was. */
function unlinked() {
  const way = h("p", {}, h("a", { class: "button button--small", href: "/settings#clinic" }, icon("clinic"), t("clinic.go")));
  return banner("info", t("clinic.not_yet"), h("p", {}, t("clinic.not_yet_text")), h("p", {}, t("clinic.call")), way);
}

/**
 * Let a button's action run once at a time; a problem is shown. The button is not disabled, for a
 * disabled one could not take back the focus when the dialog closes.
 */
async function busy(button, action) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await action();
  } catch (problem) {
    if (!problem.type?.endsWith(":not-linked")) toastProblem(problem);
    else {
      const told = unlinked();
      button.parentElement.replaceWith(told);
      told.querySelector("a").focus();
    }
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** Text with its placeholders marked, so that the eye finds what was taken out. */
export function marked(text, placeholders) {
  const names = Object.keys(placeholders).sort((left, right) => right.length - left.length);
  const nodes = [];
  let rest = text;
  while (rest) {
    const hits = names.map((name) => [rest.indexOf(name), name]).filter(([at]) => at >= 0);
    if (!hits.length) break;
    const [at, name] = hits.reduce((best, hit) => (hit[0] < best[0] ? hit : best));
    nodes.push(rest.slice(0, at), h("mark", {}, name));
    rest = rest.slice(at + name.length);
  }
  return [...nodes, rest].filter(Boolean);
}

function pairs(entries) {
  return entries.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]);
}

function show(offer) {
  const { text, destination, readers, placeholders = {}, bytes } = offer.disclosure;
  fill(byId("offer-text"), marked(text, placeholders));
  fill(
    byId("offer-facts"),
    pairs([
      [t("offer.to"), place(destination)],
      [t("offer.readers"), readers.map(place).join(", ")],
      [t("offer.size"), size(bytes)],
    ]),
  );
  const meanings = Object.entries(placeholders);
  byId("offer-names").hidden = meanings.length === 0;
  fill(byId("offer-map"), meanings.flatMap(([mark, value]) => [h("dt", {}, h("code", {}, mark)), h("dd", {}, value)]));
}

/**
 * Show the preview, let the person change it, and send what was shown last if they say so.
 * @returns {Promise<object|null>} the Answer after sending, null when nothing was sent
 */
export async function previewAndSend(offer) {
  let shown = offer;
  const redaction = new Redaction((next) => {
    shown = next;
    show(next);
    redaction.show(next);
  });
  show(offer);
  redaction.show(offer);
  byId("offer-remember").checked = false;
  const choice = await ask(byId("offer"), byId("offer-text"));
  if (choice !== "send") {
    toast(t("offer.kept"));
    return null;
  }
  const remember = byId("offer-remember").checked;
  const answer = await call("POST", `/api/send/${encodeURIComponent(shown.preview_id)}`, { remember });
  toast(t(answer.status === "queued" ? "answer.queued_title" : "offer.sent"));
  return answer;
}

/** Whether a consult still waits for a reply. */
export function waiting(answer) {
  return answer.status === "queued" || (answer.status === "referred" && Boolean(answer.disclosure?.receipt));
}

/**
 * Look again until a consult is answered; slower each time, not while the page is hidden.
 * @param {string} id of the consult
 * @param {(answer: object) => void} changed called when the status changes
 * @param {() => boolean} wanted false ends the waiting
 */
export async function follow(id, before, changed, wanted = () => true) {
  let status = before.status;
  let pause = FIRST_WAIT_MS;
  while (wanted()) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 1.5, LONGEST_WAIT_MS);
    if (document.hidden || !wanted()) continue;
    let answer;
    try {
      ({ answer } = await look(`/api/consults/${encodeURIComponent(id)}`));
    } catch {
      continue;
    }
    if (answer.status !== status) changed(answer);
    if (!waiting(answer)) return;
    status = answer.status;
  }
}
