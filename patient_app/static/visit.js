/**
 * One preparation: a question at a time, kept as it is written, read for red flags before all else,
 * looked over as a whole, and handed over as a file or on paper.
 */

import { call } from "/static/caretier/api.js";
import { banner, byId, fill, h, icon } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";
import { triageBanner } from "./answer.js";
import { field, settle } from "./questionnaire.js";

const WAIT_MS = 500;

const one = (given) => given.valueString ?? given.valueReference?.display ?? given.valueCoding?.display ?? t(given.valueBoolean ? "visits.yes" : "visits.no");

/** Answers in words; those of one entry of the record stand in one line. */
function said(items) {
  return items.flatMap((item) => {
    const inner = item.item ?? [];
    const entry = inner.some((part) => part.answer?.[0]?.valueReference);
    return entry ? [said(inner).join(" · ")] : [...(item.answer ?? []).map(one), ...said(inner)];
  });
}

/** Opens a preparation in `place`; `leave` goes back to the list. */
export class Preparation {
  constructor(place, draft, { country, places }, leave) {
    Object.assign(this, { place, draft, country, places, leave, step: 0, timer: 0, over: null });
    const items = draft.response.item ?? [];
    const changed = () => this.changed();
    this.fields = draft.form.questions.map((one) => field(one, items.filter((item) => item.linkId === one.link), changed));
    this.status = h("p", { class: "soft small", role: "status" });
    settle(this.fields);
    if (draft.response.status === "completed") this.step = this.pages().length;
  }

  pages() {
    return this.fields.filter((one) => !one.element.hidden);
  }

  items() {
    return this.pages().flatMap((one) => one.read());
  }

  changed() {
    settle(this.fields);
    this.status.textContent = t("visits.writing");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save().catch((problem) => this.failed(problem)), WAIT_MS);
  }

  failed(problem) {
    fill(this.status, banner("problem", problem.message, problem.remedy && h("p", {}, problem.remedy)));
  }

  /** Keep what is written; returns false where a red flag stops the preparation. */
  async save() {
    clearTimeout(this.timer);
    const { flag, missing } = await call("PUT", `/api/visits/${this.draft.response.id}`, { items: this.items() });
    Object.assign(this.draft, { flag, missing });
    this.status.textContent = t("visits.kept");
    const stops = flag?.level === "emergency" && flag.rule !== this.over;
    if (stops) this.stop(flag);
    return !stops;
  }

  /** An emergency comes before every question. */
  stop(flag) {
    const back = h("button", { class: "button", type: "button" }, icon("edit"), t("visits.change"));
    back.addEventListener("click", () => this.show());
    const over = h("button", { class: "button button--quiet", type: "button" }, t("visits.over"));
    over.addEventListener("click", () => { this.over = flag.rule; this.show(); });
    fill(this.place, triageBanner(flag, this.country), h("p", {}, t("visits.stopped")), h("div", { class: "row row--start" }, back, over));
    this.place.scrollIntoView({ block: "start" });
  }

  async go(step) {
    try {
      if (!(await this.save())) return;
      this.step = Math.max(0, Math.min(step, this.pages().length));
      this.show();
      byId("visit-head").focus();
    } catch (problem) {
      this.failed(problem);
    }
  }

  button(label, name, run, kind = "") {
    return h("button", { class: `button ${kind}`.trim(), type: "button", onclick: run }, name && icon(name), label);
  }

  show() {
    const pages = this.pages();
    const last = this.step >= pages.length;
    const head = h("h2", { id: "visit-head", tabindex: "-1" }, last ? t("visits.review") : this.draft.form.title);
    const urgent = this.draft.flag && triageBanner(this.draft.flag, this.country);
    fill(this.place, h("div", { class: "card visit" }, head, urgent, ...(last ? this.review(pages) : this.page(pages)), this.status));
  }

  page(pages) {
    const now = pages[this.step];
    const form = h("form", { class: "stack", novalidate: true }, now.element);
    form.addEventListener("input", () => this.changed());
    form.addEventListener("submit", (event) => { event.preventDefault(); this.go(this.step + 1); });
    const label = t("visits.progress", { step: this.step + 1, steps: pages.length });
    const back = this.step ? () => this.go(this.step - 1) : () => this.close();
    const next = h("button", { class: "button button--primary", type: "submit" }, t("visits.next"));
    form.append(h("div", { class: "row row--between" }, this.button(t(this.step ? "visits.back" : "visits.later"), "", back, "button--quiet"), next));
    return [h("p", { class: "soft small" }, label), h("progress", { class: "progress", max: pages.length, value: this.step + 1, "aria-label": label }), form];
  }

  review(pages) {
    const lacking = this.draft.missing ?? [];
    const done = this.draft.response.status === "completed";
    const rows = pages.map((one, at) => this.row(one, at, lacking));
    const gap = lacking.length > 0 && banner("urgent", t("visits.missing"));
    const finish = !done && this.button(t("visits.finish"), "check", () => this.finish(), "button--primary");
    const out = done && [
      banner("ok", t("visits.done"), h("p", {}, t("visits.hand_over"))),
      h("div", { class: "row row--start noprint" }, this.button(t("parts.print"), "", () => print(), "button--primary"), h("a", { class: "button", href: `/api/visits/${this.draft.response.id}/fhir`, download: "" }, icon("download"), t("visits.file"))),
      this.sending(),
    ];
    const actions = h("div", { class: "row row--between noprint" }, this.button(t("visits.list"), "", () => this.close(), "button--quiet"), finish);
    return [h("p", { class: "soft small" }, `${this.draft.form.title} · ${when(this.draft.response.authored)}`), gap, h("dl", { class: "reviewed" }, ...rows.flat()), ...(out || []), actions].filter(Boolean);
  }

  /** The connected records that take answers, or that there are none. */
  sending() {
    const { sent } = this.draft;
    const takers = this.places.map((place) => this.button(t("visits.send", { name: place.name }), "send", () => this.send(place)));
    const said = sent ? t("visits.sent", { name: sent.to, date: when(sent.at) }) : t(takers.length ? "visits.send_text" : "visits.sending");
    return h("div", { class: "stack stack--s noprint" }, h("p", { class: "soft small" }, said), !sent && h("div", { class: "row row--start" }, ...takers));
  }

  async send(place) {
    this.status.textContent = t("visits.going");
    try {
      this.draft = await call("POST", `/api/visits/${this.draft.response.id}/send/${place.id}`);
      this.status.textContent = "";
      this.show();
    } catch (problem) {
      this.failed(problem);
    }
  }

  row(one, at, lacking) {
    const texts = said(one.read());
    const empty = lacking.includes(one.question.link) || one.element.querySelector(lacking.map((link) => `[data-link="${link}"]`).join(",") || "never");
    const edit = h("button", { class: "button button--small button--quiet noprint", type: "button", "aria-label": `${t("visits.edit")}: ${one.question.text}`, onclick: () => this.go(at) }, icon("edit"), t("visits.edit"));
    const words = texts.length ? h("ul", {}, ...texts.map((text) => h("li", { class: "pre" }, text))) : h("p", { class: "soft" }, t("visits.unanswered"));
    const mark = empty && h("span", { class: "badge badge--warn" }, icon("alert"), t("visits.needed"));
    return [h("dt", {}, one.question.text, " ", mark), h("dd", {}, words, edit)];
  }

  async finish() {
    try {
      if (!(await this.save())) return;
      if (this.draft.missing.length) {
        this.show();
        return;
      }
      const { response } = await call("POST", `/api/visits/${this.draft.response.id}/finish`);
      this.draft.response = response;
      this.show();
    } catch (problem) {
      this.failed(problem);
    }
  }

  async close() {
    if (this.draft.response.status !== "completed") await this.save().catch(() => false);
    this.leave();
  }
}
