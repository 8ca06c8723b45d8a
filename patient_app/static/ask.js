/**
 * The ask page: sends a question, shows what comes as it comes, in the order that matters: what to
 * do now, then the sentences with their markers, then sources, then who answered and what left.
 */

import { call, stream } from "/static/caretier/api.js";
import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { revealSource } from "./citations.js";
import { begun, cleared, field, form, local } from "./composer.js";
import { begin, current, earlier, goingOn } from "./conversation.js";
import { countryNumber, tel } from "./emergency.js";
import { Exchange } from "./exchange.js";
import { forget, kept, keepValue } from "./keep.js";
import { suggest } from "./welcome.js";

const SENDING = "sending";
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const thread = byId("thread");
let chosen = false; // the switch, by the person: what the profile says later does not take it back
const page = { conversation: current(), country: "US", running: null, exchanges: [], local: () => local.checked, choose: begun, again: submit };

function running(controller) {
  page.running = controller;
  byId("send").hidden = Boolean(controller);
  byId("stop").hidden = !controller;
  thread.setAttribute("aria-busy", String(Boolean(controller)));
}

async function listen(exchange, text, signal) {
  const body = { text, conversation: page.conversation, local_only: local.checked };
  // The stream is read to its end, past the answer: the device may still be writing it down.
  let answered = false;
  for await (const { event, data } of stream("/api/ask", body, signal)) {
    if (event === "triage") {
      exchange.triage(data);
      exchange.status.next("triage");
    } else if (event === "step") {
      exchange.status.next(data.step);
    } else if (event === "delta") {
      exchange.delta(data);
    } else if (event === "answer") {
      exchange.answer(data);
      answered = true;
    }
  }
  return answered;
}

function added(text) {
  const exchange = new Exchange(text, page);
  page.exchanges.push(exchange);
  byId("welcome").hidden = true;
  byId("new").hidden = false;
  thread.append(exchange.root);
  return exchange;
}

/** A question that nobody answered is kept: after a reload or a new session it is in the field again. */
function lost(problem) {
  if (problem.status === 0) window.dispatchEvent(new CustomEvent("caretier:unreachable"));
}

/** Put back what was on its way when the page went, unless the device has it. */
function putBack(consults) {
  const text = kept(SENDING);
  forget(SENDING);
  if (text && !field.value && consults.at(-1)?.question !== text) begun(text);
}

async function submit(text) {
  const exchange = added(text);
  exchange.root.scrollIntoView({ block: "start", behavior: calm.matches ? "auto" : "smooth" });
  exchange.status.next("start");
  const controller = new AbortController();
  running(controller);
  keepValue(SENDING, text);
  try {
    const answered = await listen(exchange, text, controller.signal);
    if (answered) forget(SENDING);
    else exchange.problem({ message: t("ask.incomplete") });
  } catch (problem) {
    const stopped = problem.name === "AbortError";
    exchange.problem(stopped ? { message: t("ask.stopped") } : problem);
    if (!stopped) lost(problem);
  } finally {
    running(null);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text || page.running) return;
  cleared();
  submit(text);
});

byId("stop").addEventListener("click", () => {
  page.running?.abort();
  field.focus();
});

byId("new").addEventListener("click", () => {
  page.running?.abort();
  page.conversation = begin();
  page.exchanges = [];
  forget(SENDING);
  thread.replaceChildren();
  byId("welcome").hidden = false;
  byId("new").hidden = true;
  field.focus();
});

local.addEventListener("change", () => {
  chosen = true;
});

thread.addEventListener("click", (event) => {
  const mark = event.target.closest(".cite");
  if (mark) revealSource(mark);
});

async function showProfile() {
  const profile = await call("GET", "/api/profile");
  page.country = profile.country ?? page.country;
  for (const exchange of page.exchanges) exchange.located();
  if (!chosen) local.checked = Boolean(profile.local_only);
  byId("cares").hidden = !profile.carer;
  const link = byId("lifeline");
  link.textContent = countryNumber(page.country);
  link.href = tel(link.textContent);
}

/** The conversation that was going on in this tab, as it stands now. */
async function restore() {
  const consults = await earlier(page.conversation).catch(() => []); // the history has them
  putBack(consults);
  for (const { question, answer, signal } of consults) added(question).answer(answer, signal);
  thread.lastElementChild?.scrollIntoView({ block: "start" });
}

showProfile().catch(() => {}); // the page works without; the emergency number stays the default one
suggest().catch(() => {}); // the examples do
if (goingOn) restore();
