/** The text of the reply: written into with a way back, compared with the draft, and marked. */

import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toast } from "/static/caretier/toast.js";
import { compare, mark, marked } from "./marks.js";
import { Undo } from "./undo.js";

/** The text field with its undo. */
export class ReplyText {
  #form = byId("reply-form");
  #text = byId("text");
  #entered = false;
  #sentences = JSON.parse(this.#form.dataset.sentences);
  #changed;
  #undo;

  /** @param {() => void} changed called after each change, by hand or not */
  constructor(changed) {
    this.#changed = changed;
    this.#undo = new Undo(this.#text, changed);
  }

  start() {
    this.#text.addEventListener("input", this.#changed);
    this.#text.addEventListener("focus", () => this.#enter(), { once: true });
    byId("text-undo").addEventListener("click", () => this.#back());
    byId("text-redo").addEventListener("click", () => this.#undo.forth() && this.#changed());
    byId("restore").addEventListener("click", () => this.#replace(this.#form.dataset.draft));
    document.getElementById("arrange")?.addEventListener("click", () => this.#replace(this.#form.dataset.arranged));
    byId("changes").addEventListener("toggle", () => this.look());
  }

  get value() {
    return this.#text.value;
  }

  /** Mark whose words they are, and show what was changed against the draft. */
  look() {
    byId("text-undo").disabled = !this.#undo.canGoBack;
    byId("text-redo").disabled = !this.#undo.canGoForth;
    compare(this.#form.dataset.draft, this.#text.value);
    return this.drafts();
  }

  /** Mark the draft's sentences in the text; how many stand in it as they were. */
  drafts() {
    return mark(this.#text.value, this.#sentences);
  }

  /** The text with the draft's sentences marked, to be shown. */
  marked() {
    return marked(this.#text.value, this.#sentences);
  }

  /** Put a text in the place of what is there; it can be taken back. */
  write(text) {
    this.#undo.note(true);
    this.#text.value = text;
    this.#undo.note(true);
    this.#changed();
  }

  /** Put words where the cursor is; at the end, while nobody has put it anywhere. */
  insert(words) {
    const { value } = this.#text;
    const from = this.#entered ? this.#text.selectionStart : value.length;
    const to = this.#entered ? this.#text.selectionEnd : value.length;
    const before = from > 0 && !/\s$/u.test(value.slice(0, from)) ? " " : "";
    const after = to < value.length && !/^\s/u.test(value.slice(to)) ? " " : "";
    this.#undo.note(true);
    this.#text.setRangeText(before + words + after, from, to, "end");
    this.#entered = true;
    this.#undo.note(true);
    this.#changed();
    this.#offerUndo(t("reply.inserted"));
  }

  /** The first focus by key goes to the end of the text; a press of the pointer then moves it. */
  #enter() {
    this.#entered = true;
    if (this.#text.selectionEnd === 0) this.#text.setSelectionRange(this.#text.value.length, this.#text.value.length);
  }

  #replace(text) {
    this.write(text);
    this.#offerUndo(t("reply.replaced"));
  }

  #back() {
    if (this.#undo.back()) this.#changed();
  }

  /** Say what was done to the text, with the way back beside it. */
  #offerUndo(text) {
    toast(text, "ok", { label: t("reply.undo"), act: () => this.#back() });
  }
}
