/**
 * The ask page: sends a question, shows what comes as it comes, in the order that matters: what to
 * do now, then the sentences with their markers, then sources, then who answered and what left.
 */

import { call, stream } from "/static/caretier/api.js";
import { banner, byId, fill, h, randomId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toast } from "/static/caretier/toast.js";
import { nextPrefix, numbering, revealSource, sentence, stepWords, triageBanner, whole } from "./answer.js";
import { countryNumber, tel } from "./emergency.js";
import { alsoButton, follow, offerCard, previewAndSend, waiting } from "./offer.js";
import { judgeable, signalBar } from "./signal.js";

const QUIET_MS = 2000;
const COUNTER_FROM = 500;

const form = byId("composer");
const field = byId("question");
const local = byId("local-only");
const thread = byId("thread");
const page = { conversation: randomId(), country: "US", running: null };

/** Show which step runs, once nothing was heard for two seconds. */
function statusLine() {
  const words = h("span", {}, "");
  const line = h("div", { class: "status", role: "status", hidden: true }, h("span", { class: "spinner" }), words);
  let timer;
  const next = (step) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      words.textContent = stepWords(step);
      line.hidden = false;
    }, QUIET_MS);
    if (!line.hidden) words.textContent = stepWords(step);
  };
  const end = () => {
    clearTimeout(timer);
    line.remove();
  };
  return { line, next, end };
}

/** Elements of one question and its answer. */
function exchange(text) {
  const status = statusLine();
  const alert = h("div", { class: "alerts" });
  const body = h("div", { class: "stack" });
  const draft = h("div", { class: "answer__text" });
  // Sentences are read out as they arrive; the final answer replaces them without being read again.
  const live = h("div", { class: "card", "aria-live": "polite", "aria-atomic": "false", hidden: true }, draft);
  const root = h(
    "article",
    { class: "exchange", tabindex: "-1" },
    h("p", { class: "asked" }, h("span", { class: "sr-only" }, `${t("ask.you")}: `), text),
    alert,
    status.line,
    live,
    body,
  );
  return { root, status, alert, body, live, draft, prefix: nextPrefix(), numberOf: numbering(), told: "" };
}

/** The same banner is not drawn twice: a call button must not move under the finger. */
function showTriage(parts, triage) {
  const told = JSON.stringify([triage.level, triage.rule, triage.advice]);
  if (told === parts.told) return;
  parts.told = told;
  fill(parts.alert, triageBanner(triage, page.country));
  if (triage.level === "emergency") parts.alert.scrollIntoView({ block: "start" });
}

function showDelta(parts, delta) {
  parts.status.line.hidden = true;
  parts.live.hidden = false;
  parts.draft.append(sentence(delta, parts.numberOf, parts.prefix));
}

function showAnswer(parts, answer, text) {
  parts.status.end();
  parts.live.remove();
  showTriage(parts, answer.triage);
  const asked = { text, conversation: page.conversation };
  const actions = actionsFor(parts, answer, asked);
  if (judgeable(answer)) actions.push(signalBar(answer.id));
  fill(parts.body, whole(answer, { prefix: parts.prefix, actions }));
  if (waiting(answer)) {
    const changed = (later) => {
      showAnswer(parts, later, text);
      if (later.status === "answered") toast(t("answer.answered_title"));
    };
    follow(answer.id, answer, changed, () => parts.root.isConnected);
  }
}

function actionsFor(parts, answer, asked) {
  if (local.checked || waiting(answer) || answer.disclosure?.receipt) return [];
  const send = async (offer) => {
    const sent = await previewAndSend(offer);
    if (sent) {
      showAnswer(parts, sent, asked.text);
      parts.root.focus();
    }
  };
  // A preview is good for one sending: after "do not send" a fresh one is asked for.
  let ready = answer.offer;
  const open = async () => {
    const offer = ready ?? (await call("POST", "/api/preview", asked));
    ready = null;
    await send(offer);
  };
  if (answer.offer) return [offerCard(answer.offer.reason, open)];
  return answer.status === "emergency" ? [] : [alsoButton(open)];
}

function showProblem(parts, problem, text) {
  parts.status.end();
  const again = h("button", { class: "button button--small", type: "button" }, t("answer.retry"));
  again.addEventListener("click", () => {
    parts.root.remove();
    submit(text);
  });
  const remedy = problem.remedy && h("p", {}, problem.remedy);
  fill(parts.body, banner("problem", problem.message, remedy, again));
}

function running(controller) {
  page.running = controller;
  byId("send").hidden = Boolean(controller);
  byId("stop").hidden = !controller;
  thread.setAttribute("aria-busy", String(Boolean(controller)));
}

async function listen(parts, text, signal) {
  const body = { text, conversation: page.conversation, local_only: local.checked };
  // The stream is read to its end, past the answer: the device may still be writing it down.
  let answered = false;
  for await (const { event, data } of stream("/api/ask", body, signal)) {
    if (event === "triage") {
      showTriage(parts, data);
      parts.status.next("triage");
    } else if (event === "step") {
      parts.status.next(data.step);
    } else if (event === "delta") {
      showDelta(parts, data);
    } else if (event === "answer") {
      showAnswer(parts, data, text);
      answered = true;
    }
  }
  return answered;
}

async function submit(text) {
  const parts = exchange(text);
  byId("welcome").hidden = true;
  byId("new").hidden = false;
  thread.append(parts.root);
  parts.root.scrollIntoView({ block: "start", behavior: "smooth" });
  parts.status.next("start");
  const controller = new AbortController();
  running(controller);
  try {
    if (!(await listen(parts, text, controller.signal))) {
      showProblem(parts, { message: t("ask.incomplete") }, text);
    }
  } catch (problem) {
    const stopped = problem.name === "AbortError";
    showProblem(parts, stopped ? { message: t("ask.stopped") } : problem, text);
  } finally {
    running(null);
  }
}

function count() {
  const left = field.maxLength - field.value.length;
  byId("counter").textContent = left <= COUNTER_FROM ? t("ask.counter", { left }) : "";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text || page.running) return;
  field.value = "";
  count();
  submit(text);
});

field.addEventListener("input", count);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && matchMedia("(pointer: fine)").matches) {
    event.preventDefault();
    form.requestSubmit();
  }
});

byId("stop").addEventListener("click", () => {
  page.running?.abort();
  field.focus();
});

byId("new").addEventListener("click", () => {
  page.running?.abort();
  page.conversation = randomId();
  thread.replaceChildren();
  byId("welcome").hidden = false;
  byId("new").hidden = true;
  field.focus();
});

/** A starter is put into the field, so that it can be changed before it is sent. */
byId("welcome").addEventListener("click", (event) => {
  const starter = event.target.closest("[data-starter]");
  if (!starter) return;
  field.value = starter.textContent;
  count();
  field.focus();
});

/** What this person may want to ask takes the place of the examples; without any they stay. */
async function suggest() {
  const { suggestions } = await call("GET", "/api/personal/suggestions");
  if (!suggestions.length) return;
  const list = byId("welcome").querySelector(".starters");
  list.setAttribute("aria-label", t("ask.suggestions"));
  const starter = ({ question }) =>
    h("li", {}, h("button", { class: "starter", type: "button", "data-starter": "" }, question));
  fill(list, ...suggestions.map(starter));
}

thread.addEventListener("click", (event) => {
  const mark = event.target.closest(".cite");
  if (mark) revealSource(mark);
});

call("GET", "/api/profile")
  .then((profile) => {
    page.country = profile.country ?? page.country;
    local.checked = Boolean(profile.local_only);
    const link = byId("lifeline");
    link.textContent = countryNumber(page.country);
    link.href = tel(link.textContent);
  })
  .catch(() => {
    /* The page works without the profile; the emergency number stays the default one. */
  });

suggest().catch(() => {}); // the examples do
