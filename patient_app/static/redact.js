/**
 * Changing a preview before it leaves: the person taps words to mask them, and takes off a mask that
 * was a mistake. The device makes the preview anew each time; only what it then shows can be sent.
 */

import { call } from "/static/caretier/api.js";
import { byId, fill, h } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toastProblem } from "/static/caretier/toast.js";

const FIXED = /^(About the person|With it): /; // said of every question, not words of the person
const EDGES = /^[\p{P}\p{S}]+|[\p{P}\p{S}]+$/gu;

/** Words that stand side by side are one passage. */
function passages(words) {
  const found = [];
  let last = null;
  for (const word of words) {
    const pressed = word.getAttribute("aria-pressed") === "true";
    if (pressed && last) last.push(word.textContent);
    else if (pressed) found.push((last = [word.textContent]));
    else last = null;
  }
  return found.map((parts) => parts.join(" ").replace(EDGES, "")).filter(Boolean);
}

export class Redaction {
  /**
   * @param {(offer: object) => void} changed called with the preview that took the place of another
   */
  constructor(changed) {
    Object.assign(this, { changed, words: [] });
    byId("offer-edit").onclick = () => (this.editing ? this.leave() : this.edit());
    byId("offer-mask").onclick = () => this.change({ mask: passages(this.words) });
  }

  /** A preview is shown: not being changed yet. */
  show(offer) {
    this.offer = offer;
    this.editing = false;
    byId("offer-edit").textContent = t("redact.edit");
    byId("offer-hint").hidden = true;
    this.marked();
    this.removable().catch(() => {}); // without it nothing can be put back, which is the safe side
  }

  edit() {
    this.editing = true;
    this.words = [];
    const lines = this.offer.disclosure.text.split("\n").map((line) => this.line(line));
    fill(byId("offer-text"), ...lines);
    byId("offer-edit").textContent = t("redact.leave");
    byId("offer-hint").hidden = false;
    this.words[0]?.focus();
  }

  leave() {
    this.changed(this.offer);
    byId("offer-edit").focus();
  }

  line(line) {
    if (FIXED.test(line)) return h("span", { class: "line" }, line);
    const marks = Object.keys(this.offer.disclosure.placeholders ?? {});
    const parts = line.split(/(\s+)/).map((part) => {
      const masked = marks.some((mark) => part.includes(mark));
      return part.trim() && !masked ? this.word(part) : part;
    });
    return h("span", { class: "line" }, ...parts);
  }

  word(text) {
    const button = h("button", { class: "word", type: "button", "aria-pressed": "false" }, text);
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      this.marked();
    });
    this.words.push(button);
    return button;
  }

  /** While words are marked and not masked yet, nothing can be sent. */
  marked() {
    const count = this.editing ? passages(this.words).length : 0;
    byId("offer-mask").hidden = !count;
    byId("offer-send").disabled = Boolean(count);
  }

  async change(body) {
    try {
      const offer = await call("POST", `/api/previews/${encodeURIComponent(this.offer.preview_id)}`, body);
      this.changed(offer);
      byId("offer-text").focus();
    } catch (problem) {
      toastProblem(problem);
    }
  }

  /** A mask that may be a mistake gets a way off, behind a warning. */
  async removable() {
    const { preview_id } = this.offer;
    const { removable } = await call("GET", `/api/previews/${encodeURIComponent(preview_id)}`);
    if (this.offer.preview_id !== preview_id) return;
    for (const value of byId("offer-map").querySelectorAll("dd")) {
      const mark = value.previousElementSibling.textContent;
      if (removable.includes(mark)) value.append(this.back(mark));
    }
  }

  back(mark) {
    const button = h("button", { class: "button button--quiet button--small", type: "button", "aria-label": t("redact.back_label", { mark }) }, t("redact.back"));
    button.addEventListener("click", () => {
      const sure = h("button", { class: "button button--small", type: "button" }, t("redact.sure"));
      sure.addEventListener("click", () => this.change({ unmask: [mark] }));
      button.replaceWith(h("span", { class: "small warned", role: "status" }, t("redact.warning"), " ", sure));
      sure.focus();
    });
    return button;
  }
}
