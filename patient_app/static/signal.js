/**
 * What a person says of an answer: it helped, it did not, or it is wrong and why. Each is kept on
 * the device; the line below says whether it goes further, and what would let it.
 */

import { call } from "/static/caretier/api.js";
import { fill, h, icon } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toastProblem } from "/static/caretier/toast.js";
import { nextPrefix } from "./answer.js";
import { forget, keepField } from "./keep.js";
import { standing } from "./standing.js";

const LEFT = ["queued", "sent"];
const MAX_NOTE = 2000;

/** Only an answer can be judged; what waits, or could not be answered, is none. */
export function judgeable(answer) {
  return answer.status === "answered";
}

/** The buttons, the field for why, and the line. */
class Bar {
  constructor(consult, signal) {
    this.path = `/api/consults/${encodeURIComponent(consult)}/signal`;
    this.note = `note-${consult}`;
    this.signal = signal;
    const id = `${nextPrefix()}-why`;
    this.verdicts = ["up", "down", "wrong"].map((verdict) => this.verdict(verdict));
    this.field = h("textarea", { class: "input", id, rows: "3", maxlength: String(MAX_NOTE), "aria-describedby": `${id}-hint` });
    const save = h("button", { class: "button button--primary button--small", type: "submit" }, t("signal.save"));
    const cancel = h("button", { class: "button button--small", type: "button" }, t("signal.cancel"));
    this.form = h(
      "form",
      { class: "field", hidden: true },
      h("label", { for: id }, t("signal.because")),
      this.field,
      h("p", { class: "soft small", id: `${id}-hint` }, t("signal.because_hint")),
      h("div", { class: "row" }, save, cancel),
    );
    cancel.addEventListener("click", () => this.close());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const note = this.field.value.trim();
      if (note) this.say({ verdict: "wrong", note });
      else this.field.focus();
    });
    this.line = h("p", { class: "soft small", role: "status" });
    this.root = h(
      "section",
      { class: "signal", "aria-label": t("signal.question") },
      h("p", { class: "small soft" }, t("signal.question")),
      h("div", { class: "row" }, ...this.verdicts),
      this.form,
      this.line,
    );
    this.draw();
    if (keepField(this.note, this.field)) this.form.hidden = false;
  }

  verdict(name) {
    const sign = { up: "thumb-up", down: "thumb-down", wrong: "edit" }[name];
    const attributes = { class: "button button--quiet button--small", type: "button", "data-verdict": name };
    const button = h("button", attributes, icon(sign), t(`signal.${name}`));
    button.addEventListener("click", () => this.pressed(name));
    return button;
  }

  get left() {
    return LEFT.includes(this.signal?.state);
  }

  pressed(name) {
    if (this.left) return;
    if (this.signal?.verdict === name) this.unsay();
    else if (name === "wrong") this.ask();
    else this.say({ verdict: name });
  }

  ask() {
    this.form.hidden = false;
    this.field.value ||= this.signal?.note ?? "";
    this.field.focus();
  }

  /** Close the field; what was written in it is sent, or wanted no more. */
  done() {
    this.form.hidden = true;
    this.field.value = "";
    forget(this.note);
  }

  close() {
    this.done();
    this.verdicts[2].focus();
  }

  say(body) {
    return this.change(() => call("PUT", this.path, body));
  }

  unsay() {
    return this.change(() => call("DELETE", this.path).then(() => null));
  }

  /** One change at a time; a problem is shown, and what was said before stands. */
  async change(action) {
    if (this.busy) return;
    this.busy = true;
    const within = this.form.contains(document.activeElement);
    try {
      this.signal = await action();
      this.done();
      this.draw();
      if (within) this.verdicts[2].focus();
    } catch (problem) {
      toastProblem(problem);
    } finally {
      this.busy = false;
    }
  }

  draw() {
    for (const button of this.verdicts) {
      button.setAttribute("aria-pressed", String(button.dataset.verdict === this.signal?.verdict));
      button.setAttribute("aria-disabled", String(this.left));
    }
    fill(this.line, ...standing(this.signal));
    queueMicrotask(() => this.besideReceipt());
  }

  /** "Nothing left your device" is true of an answer no more once what was said of it has left. */
  besideReceipt() {
    const stayed = this.root.closest(".answer__main")?.querySelector("[data-stayed]");
    if (stayed) stayed.hidden = this.left;
  }
}

/**
 * The bar under an answer.
 * @param {string} consult id of the question
 * @param {object|null} signal what was said of it before
 */
export function signalBar(consult, signal = null) {
  return new Bar(consult, signal).root;
}
