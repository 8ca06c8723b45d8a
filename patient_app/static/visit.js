/**
 * One preparation: a question at a time, kept as it is written, read for red flags before all else,
 * looked over as a whole, and handed over as a file or on paper.
 */

import { call } from "/static/caretier/api.js";
import { byId, fill, h, icon, problemBanner } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { forget, kept, keepValue } from "./keep.js";
import { field, settle } from "./questionnaire.js";
import { triageBanner } from "./triage.js";
import { review } from "./visit_review.js";

const WAIT_MS = 500;

/** Opens a preparation in `place`; `leave` goes back to the list. */
export class Preparation {
  constructor(place, draft, { country, places }, leave) {
    Object.assign(this, { place, draft, country, places, leave, step: 0, timer: 0, over: null, last: Promise.resolve() });
    this.name = `visit-${draft.response.id}`;
    const written = JSON.parse(kept(this.name) ?? "null");
    const items = written ?? draft.response.item ?? [];
    const changed = () => this.changed();
    this.fields = draft.form.questions.map((one) => field(one, items.filter((item) => item.linkId === one.link), changed));
    this.status = h("p", { class: "soft small", role: "status" });
    settle(this.fields);
    if (draft.response.status === "completed") this.step = this.pages().length;
    else if (written) this.changed();
  }

  pages() {
    return this.fields.filter((one) => !one.element.hidden);
  }

  items() {
    return this.pages().flatMap((one) => one.read());
  }

  /** Kept in this tab at once, and on the device a moment later: a lost session loses no word. */
  changed() {
    settle(this.fields);
    keepValue(this.name, JSON.stringify(this.items()));
    this.status.textContent = t("visits.writing");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save().catch((problem) => this.failed(problem)), WAIT_MS);
  }

  failed(problem) {
    fill(this.status, problemBanner(problem));
  }

  /** Keep what is written, after what was kept before; gives false where a red flag stops the preparation. */
  save() {
    clearTimeout(this.timer);
    this.timer = 0;
    const now = () => this.send();
    this.last = this.last.then(now, now);
    return this.last;
  }

  async send() {
    const { status, ...kept } = await call("PUT", `/api/visits/${this.draft.response.id}`, { items: this.items() });
    const { flag } = Object.assign(this.draft, kept);
    this.draft.response.status = status;
    if (!this.timer) forget(this.name);
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
    fill(this.place, h("div", { class: "card visit" }, head, urgent, ...(last ? review(this, pages) : this.page(pages)), this.status));
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

  async finish() {
    try {
      if (!(await this.save())) return;
      if (this.draft.missing.length) {
        this.show();
        return;
      }
      this.draft = await call("POST", `/api/visits/${this.draft.response.id}/finish`);
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
