/** What one does with an answer: copy, share, print, hear; and what one may ask next. */

import { h, icon } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { canRead, readAloud } from "./voice.js";

const FOLLOW_UPS = 3;
const RECORD = /^[A-Z][A-Za-z]+\//;

/** The words of an answer alone. */
function said(answer) {
  const told = (answer.sentences ?? []).map(({ text }) => text).join(" ");
  return [answer.triage?.advice, told || answer.text].filter(Boolean).join("\n\n");
}

/** An answer as text that stands by itself: question, words, sources, and that it is no diagnosis. */
export function asText(question, answer) {
  const sources = (answer.citations ?? []).map(({ title, source, date, url }, at) =>
    `[${at + 1}] ${[title, source, when(date), url].filter(Boolean).join(", ")}`,
  );
  return [question, said(answer), ...sources, t("answer.not_advice")].filter(Boolean).join("\n\n");
}

function tool(sign, words, act) {
  const button = h("button", { class: "button button--quiet button--small", type: "button" }, icon(sign), h("span", {}, words));
  button.addEventListener("click", () => act(button));
  return button;
}

async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast(t("tools.copied"));
}

/** Only this answer goes on paper, with its sources unfolded. */
function printOne(button) {
  const one = button.closest(".exchange, .consult");
  const folded = [...one.querySelectorAll("details:not([open])")];
  for (const part of folded) part.open = true;
  one.classList.add("printed");
  document.body.classList.add("printing");
  window.addEventListener(
    "afterprint",
    () => {
      for (const part of folded) part.open = false;
      one.classList.remove("printed");
      document.body.classList.remove("printing");
    },
    { once: true },
  );
  print();
}

function hear(button, text) {
  const words = button.querySelector("span");
  const over = () => {
    words.textContent = t("tools.read");
  };
  if (readAloud(text, over)) words.textContent = t("tools.quiet");
  else over();
}

/** The row of tools below an answer. */
export function tools(question, answer) {
  const text = asText(question, answer);
  return h(
    "div",
    { class: "tools noprint", role: "group", "aria-label": t("tools.label") },
    canRead() && tool("speaker", t("tools.read"), (button) => hear(button, said(answer))),
    tool("copy", t("tools.copy"), () => copy(text).catch(() => toast(t("tools.not_copied"), "problem"))),
    navigator.share && tool("share", t("tools.share"), () => navigator.share({ text }).catch((problem) => problem.name === "AbortError" || toastProblem(problem))),
    tool("print", t("tools.print"), printOne),
  );
}

/** What the answer's own sources suggest to ask next, by rule: no model looks at it. */
export function followUps(answer) {
  const titles = new Set();
  const asked = [];
  for (const { id, title } of answer.citations ?? []) {
    if (titles.has(title)) continue;
    titles.add(title);
    if (RECORD.test(id)) asked.push(t("follow.record", { title }));
    else asked.push(t("follow.when", { title }), t("follow.more", { title }));
  }
  return asked.slice(0, FOLLOW_UPS);
}

/** The suggestions as buttons; `choose` gets the question, which the person may still change. */
export function followUpList(answer, choose) {
  const asked = followUps(answer);
  if (answer.status !== "answered" || !asked.length) return null;
  const button = (question) => h("button", { class: "starter", type: "button", onclick: () => choose(question) }, question);
  return h(
    "div",
    { class: "followups noprint" },
    h("p", { class: "small soft" }, t("follow.title")),
    h("ul", { class: "starters", "aria-label": t("follow.title") }, ...asked.map((one) => h("li", {}, button(one)))),
  );
}
