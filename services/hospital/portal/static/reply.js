/** The reply: saved as it is typed, never over a version that it has not seen, and signed. */

import { call } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { banner, byId, fill, h } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { drop, keep, kept } from "./keep.js";
import { compare, mark, marked } from "./marks.js";
import { Undo } from "./undo.js";

const PAUSE_MS = 1200;
const RETRY_MS = 15 * 1000;
const STALE = "urn:caretier:problem:stale-draft";
const MAX_CHARS = 20_000;

const button = (text, onclick) => h("button", { class: "button button--small", type: "button", onclick }, text);

/** The form of the reply. */
export class Reply {
  #form = byId("reply-form");
  #text = byId("text");
  #version = byId("version");
  #saved = this.#form.dataset.saved;
  #timer = 0;
  #running = null;
  #stale = false;
  #entered = false;
  #sentences = JSON.parse(this.#form.dataset.sentences);
  #undo = new Undo(this.#text, () => this.#changed());
  #id;
  #user;

  constructor(id, user) {
    [this.#id, this.#user] = [id, user];
  }

  start() {
    this.#giveBack();
    this.#text.addEventListener("input", () => this.#changed());
    this.#text.addEventListener("focus", () => this.#enter(), { once: true });
    byId("text-undo").addEventListener("click", () => this.#undo.back() && this.#changed());
    byId("text-redo").addEventListener("click", () => this.#undo.forth() && this.#changed());
    byId("restore").addEventListener("click", () => this.#replace(this.#form.dataset.draft));
    document.getElementById("arrange")?.addEventListener("click", () => this.#replace(this.#form.dataset.arranged));
    byId("changes").addEventListener("toggle", () => this.#look());
    byId("sign").addEventListener("click", () => this.sign());
    document.getElementById("look")?.addEventListener("click", () => this.#file());
    addEventListener("beforeunload", () => this.#dirty && this.#keep());
    this.#look();
  }

  /** The first focus by key goes to the end of the text; a press of the pointer then moves it. */
  #enter() {
    this.#entered = true;
    if (this.#text.selectionEnd === 0) this.#text.setSelectionRange(this.#text.value.length, this.#text.value.length);
  }

  get #dirty() {
    return this.#text.value !== this.#saved;
  }

  #keep() {
    return keep(this.#id, { user: this.#user, version: Number(this.#version.value), text: this.#text.value });
  }

  /** Put back what a lost session left behind; where the saved text has moved on, ask first. */
  #giveBack() {
    const entry = kept(this.#id, this.#user);
    if (!entry || entry.text === this.#text.value) {
      // A text that was refused at signing is not saved over somebody else's until it is edited.
      if (this.#dirty) this.#say(t("reply.unsaved"));
      else drop(this.#id);
    } else if (entry.version === Number(this.#version.value)) {
      this.#write(entry.text);
      toast(t("reply.restored"));
    } else {
      this.#offer(entry);
    }
  }

  #offer(entry) {
    const end = (use) => {
      notice.remove();
      drop(this.#id);
      if (use) this.#write(entry.text);
      this.#text.focus();
    };
    const row = h("div", { class: "row" }, button(t("reply.other_use"), () => end(true)), button(t("reply.other_drop"), () => end(false)));
    const other = h("p", { class: "leaves leaves--read" }, entry.text);
    const notice = banner("urgent", t("reply.other_title"), h("p", {}, t("reply.other")), other, row);
    byId("notices").append(notice);
  }

  #write(text) {
    this.#undo.note(true);
    this.#text.value = text;
    this.#undo.note(true);
    this.#changed();
  }

  #replace(text) {
    this.#write(text);
    this.#offerUndo(t("reply.replaced"));
  }

  /** Say what was done to the text, with the way back beside it. */
  #offerUndo(text) {
    toast(text, "ok", { label: t("reply.undo"), act: () => this.#undo.back() && this.#changed() });
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

  #changed() {
    const over = this.#text.value.length - MAX_CHARS;
    this.#say(over > 0 ? t("reply.too_long", { count: over }) : t("reply.unsaved"));
    this.#keep();
    this.#look();
    clearTimeout(this.#timer);
    if (over <= 0 && !this.#stale) this.#timer = setTimeout(() => this.save(), PAUSE_MS);
  }

  #look() {
    byId("text-undo").disabled = !this.#undo.canGoBack;
    byId("text-redo").disabled = !this.#undo.canGoForth;
    compare(this.#form.dataset.draft, this.#text.value);
    mark(this.#text.value, this.#sentences);
  }

  #say(text) {
    byId("status").textContent = text;
  }

  /** Save until nothing is left to save; resolves to whether the page and the server agree. */
  async save() {
    clearTimeout(this.#timer);
    if (this.#running) await this.#running;
    if (this.#stale) return false;
    if (!this.#dirty) return true;
    this.#running = this.#send();
    try {
      return await this.#running;
    } finally {
      this.#running = null;
    }
  }

  async #send() {
    const text = this.#text.value;
    this.#say(t("reply.saving"));
    try {
      const body = { text, version: Number(this.#version.value) };
      const { version, damaged } = await call("POST", `/portal/api/referrals/${this.#id}/save`, body);
      this.#version.value = version;
      this.#saved = text;
      byId("damaged").textContent = damaged.length ? t("reply.damaged", { found: damaged.join(", ") }) : "";
    } catch (problem) {
      this.#notSaved(problem);
      return false;
    }
    if (this.#dirty) {
      this.#changed();
      return false;
    }
    drop(this.#id);
    this.#say(t("reply.saved_at", { when: when(new Date().toISOString()) }));
    return true;
  }

  #notSaved(problem) {
    this.#keep();
    this.#say(t("reply.kept"));
    if (problem.type === STALE) this.#conflict();
    else if (problem.status >= 400 && problem.status < 500) toastProblem(problem);
    else this.#timer = setTimeout(() => this.save(), RETRY_MS);
  }

  #conflict() {
    this.#stale = true;
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(this.#text.value);
        toast(t("reply.copied"));
      } catch {
        this.#text.select();
        toast(t("reply.copy_failed"), "problem");
      }
    };
    const again = () => location.assign(`/portal/referrals/${this.#id}`);
    const row = h("div", { class: "row" }, button(t("reply.copy"), copy), button(t("reply.reload"), again));
    const notice = banner("problem", t("reply.stale_title"), h("p", {}, t("reply.stale")), row);
    fill(byId("notices"), notice);
    notice.scrollIntoView({ block: "center" });
  }

  /** Whether the text is saved and may be signed as it is. */
  async #ready() {
    if (!this.#form.reportValidity() || !(await this.save())) return false;
    if (!byId("damaged").textContent) return true;
    this.#text.focus();
    toast(byId("damaged").textContent, "problem");
    return false;
  }

  /** Go on to the page that shows what would be filed; it is signed there. */
  async #file() {
    const number = byId("number");
    if (!number.value.trim()) {
      number.focus();
      return;
    }
    if (!(await this.#ready())) return;
    this.#form.action = `/portal/referrals/${this.#id}/filing`;
    this.#form.submit();
  }

  /** Show what would be sent, and ask; it cannot be taken back. */
  async sign() {
    if (document.getElementById("number")?.value.trim()) {
      await this.#file();
      return;
    }
    if (!(await this.#ready())) return;
    const count = mark(this.#text.value, this.#sentences);
    byId("confirm-drafts").textContent = count ? t("draft.sign_drafts", { count }) : "";
    fill(byId("confirm-text"), marked(this.#text.value, this.#sentences));
    await ask(byId("confirm"));
  }
}
