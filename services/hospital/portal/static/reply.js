/** The reply: saved as it is typed, never over a version that it has not seen, and signed. */

import { call } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { byId, fill } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { repeat, warn } from "./against.js";
import { conflict, Kept } from "./reply_kept.js";
import { ReplyText } from "./reply_text.js";

const PAUSE_MS = 1200;
const RETRY_MS = 15 * 1000;
const STALE = "urn:caretier:problem:stale-draft";
const MAX_CHARS = 20_000;

/** The form of the reply. */
export class Reply {
  #form = byId("reply-form");
  #version = byId("version");
  #saved = this.#form.dataset.saved;
  #timer = 0;
  #running = null;
  #stale = false;
  #text = new ReplyText(() => this.#changed());
  #kept;
  #id;

  constructor(id, user) {
    this.#id = id;
    this.#kept = new Kept(id, user);
  }

  start() {
    this.#kept.giveBack(this.#dirty, (text) => this.#text.write(text), (text) => this.#say(text));
    this.#text.start();
    byId("sign").addEventListener("click", () => this.sign());
    document.getElementById("look")?.addEventListener("click", () => this.#file());
    addEventListener("beforeunload", () => this.#dirty && this.#kept.keep());
    this.#text.look();
  }

  /** Put words where the cursor is. */
  insert(words) {
    this.#text.insert(words);
  }

  get #dirty() {
    return this.#text.value !== this.#saved;
  }

  #changed() {
    const over = this.#text.value.length - MAX_CHARS;
    this.#say(over > 0 ? t("reply.too_long", { count: over }) : t("reply.unsaved"));
    this.#kept.keep();
    this.#text.look();
    clearTimeout(this.#timer);
    if (over <= 0 && !this.#stale) this.#timer = setTimeout(() => this.save(), PAUSE_MS);
  }

  #say(text) {
    byId("status").textContent = text;
  }

  /** Save until nothing is left to save; resolves to whether the page and the server agree. */
  async save() {
    clearTimeout(this.#timer);
    while (this.#running) await this.#running;
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
      const { version, damaged, against } = await call("POST", `/portal/api/referrals/${this.#id}/save`, body);
      this.#version.value = version;
      this.#saved = text;
      byId("damaged").textContent = damaged.length ? t("reply.damaged", { found: damaged.join(", ") }) : "";
      warn(against);
    } catch (problem) {
      this.#notSaved(problem);
      return false;
    }
    if (this.#dirty) {
      this.#changed();
      return false;
    }
    this.#kept.drop();
    this.#say(t("reply.saved_at", { when: when(new Date().toISOString()) }));
    return true;
  }

  #notSaved(problem) {
    this.#kept.keep();
    this.#say(t("reply.kept"));
    if (problem.type === STALE) {
      this.#stale = true;
      conflict(this.#id);
    } else if (problem.status >= 400 && problem.status < 500) toastProblem(problem);
    else this.#timer = setTimeout(() => this.save(), RETRY_MS);
  }

  /** Whether the text is saved and may be signed as it is. */
  async #ready() {
    if (!this.#form.reportValidity() || !(await this.save())) return false;
    if (!byId("damaged").textContent) return true;
    byId("text").focus();
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
    const count = this.#text.drafts();
    byId("confirm-drafts").textContent = count ? t("draft.sign_drafts", { count }) : "";
    repeat();
    fill(byId("confirm-text"), this.#text.marked());
    await ask(byId("confirm"));
  }
}
