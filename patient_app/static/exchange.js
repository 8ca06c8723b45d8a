/** One question and its answer in the conversation: what is shown while it runs, and at the end. */

import { call } from "/static/caretier/api.js";
import { banner, fill, h } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toast } from "/static/caretier/toast.js";
import { nextPrefix, stepWords, whole } from "./answer.js";
import { numbering, sentence } from "./citations.js";
import { alsoButton, follow, offerCard, previewAndSend, waiting } from "./offer.js";
import { judgeable, signalBar } from "./signal.js";
import { followUpList, tools } from "./tools.js";
import { triageBanner } from "./triage.js";

const QUIET_MS = 2000;

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

/**
 * A question as it stands in the conversation.
 * @param {string} text the question
 * @param {{conversation: string, country: string, local: () => boolean, choose: (question: string) => void,
 *   again: (text: string) => void}} page what it needs of the page
 */
export class Exchange {
  constructor(text, page) {
    Object.assign(this, { text, page, prefix: nextPrefix(), numberOf: numbering(), told: "" });
    this.status = statusLine();
    this.alert = h("div", { class: "alerts" });
    this.body = h("div", { class: "stack" });
    this.draft = h("div", { class: "answer__text" });
    // Sentences are read out as they arrive; the final answer replaces them without being read again.
    this.live = h("div", { class: "card", "aria-live": "polite", "aria-atomic": "false", hidden: true }, this.draft);
    this.root = h(
      "article",
      { class: "exchange", tabindex: "-1" },
      h("p", { class: "asked" }, h("span", { class: "sr-only" }, `${t("ask.you")}: `), text),
      this.alert,
      this.status.line,
      this.live,
      this.body,
    );
  }

  /** The same banner is not drawn twice: a call button must not move under the finger. */
  triage(triage) {
    this.flag = triage;
    const told = JSON.stringify([triage.level, triage.rule, triage.advice, this.page.country]);
    if (told === this.told) return;
    this.told = told;
    fill(this.alert, triageBanner(triage, this.page.country));
    if (triage.level === "emergency") this.alert.scrollIntoView({ block: "start" });
  }

  /** The country is told only now: the number to call is that country's. */
  located() {
    if (this.flag) this.triage(this.flag);
  }

  delta(delta) {
    this.status.line.hidden = true;
    this.live.hidden = false;
    this.draft.append(sentence(delta, this.numberOf, this.prefix));
  }

  /** The answer at its end; `signal`: what was said of it before. */
  answer(answer, signal = null) {
    this.status.end();
    this.live.remove();
    this.triage(answer.triage);
    const below = this.actions(answer);
    if (judgeable(answer)) below.push(signalBar(answer.id, signal));
    if (judgeable(answer) || answer.status === "emergency") below.push(tools(this.text, answer));
    fill(this.body, whole(answer, { prefix: this.prefix, actions: below }), followUpList(answer, this.page.choose));
    if (waiting(answer)) this.follow(answer);
  }

  follow(answer) {
    const changed = (later) => {
      this.answer(later);
      if (later.status === "answered") toast(t("answer.answered_title"));
    };
    follow(answer.id, answer, changed, () => this.root.isConnected);
  }

  actions(answer) {
    if (this.page.local() || waiting(answer) || answer.disclosure?.receipt) return [];
    const asked = { text: this.text, conversation: this.page.conversation, consult: answer.id };
    // A preview is good for one sending: after "do not send" a fresh one is asked for.
    let ready = answer.offer;
    const open = async () => {
      const offer = ready ?? (await call("POST", "/api/preview", asked));
      ready = null;
      const sent = await previewAndSend(offer);
      if (!sent) return;
      this.answer(sent);
      this.root.focus();
    };
    if (answer.offer) return [offerCard(answer.offer.reason, open)];
    return answer.status === "emergency" ? [] : [alsoButton(open)];
  }

  problem(problem) {
    this.status.end();
    const again = h("button", { class: "button button--small", type: "button" }, t("answer.retry"));
    again.addEventListener("click", () => {
      this.root.remove();
      this.page.again(this.text);
    });
    fill(this.body, banner("problem", problem.message, problem.remedy && h("p", {}, problem.remedy), again));
  }
}
