/** One referral: the reply is saved as it is typed, compared with the draft, and signed. */

import { call } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { banner, byId, fill, h } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { pieces } from "./authorship.js";
import { diff } from "./diff.js";
import { drop, keep, kept } from "./keep.js";

const PAUSE_MS = 1200;
const RETRY_MS = 15 * 1000;
const STALE = "urn:caretier:problem:stale-draft";
const MAX_CHARS = 20_000;
const { id, state, user } = byId("referral").dataset;

/** The form of the reply; saves one at a time and never over a version that it has not seen. */
class Reply {
  #form = byId("reply-form");
  #text = byId("text");
  #version = byId("version");
  #status = byId("status");
  #saved = this.#form.dataset.saved;
  #timer = 0;
  #running = null;
  #stale = false;
  #entered = false;
  #sentences = JSON.parse(this.#form.dataset.sentences);

  start() {
    this.#giveBack();
    this.#text.addEventListener("input", () => this.#changed());
    this.#text.addEventListener("focus", () => (this.#entered = true), { once: true });
    byId("restore").addEventListener("click", () => this.#write(this.#form.dataset.draft));
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-insert]");
      if (button) this.#insert(button.dataset.insert);
    });
    document.getElementById("arrange")?.addEventListener("click", () => this.#write(this.#form.dataset.arranged));
    byId("changes").addEventListener("toggle", () => this.#compare());
    byId("sign").addEventListener("click", () => this.#sign());
    document.getElementById("look")?.addEventListener("click", () => this.#look());
    addEventListener("beforeunload", () => this.#dirty && this.#keep());
    this.#compare();
    this.#mark();
  }

  get #dirty() {
    return this.#text.value !== this.#saved;
  }

  #keep() {
    return keep(id, { user, version: Number(this.#version.value), text: this.#text.value });
  }

  /** Put back what a lost session left behind; where the saved text has moved on, ask first. */
  #giveBack() {
    const entry = kept(id, user);
    if (!entry || entry.text === this.#text.value) {
      // A text that was refused at signing is not saved over somebody else's until it is edited.
      if (this.#dirty) this.#say(t("reply.unsaved"));
      else drop(id);
    } else if (entry.version === Number(this.#version.value)) {
      this.#write(entry.text);
      toast(t("reply.restored"));
    } else {
      this.#offer(entry);
    }
  }

  #offer(entry) {
    const notice = banner("urgent", t("reply.other_title"), h("p", {}, t("reply.other")), h("p", { class: "leaves leaves--read" }, entry.text));
    const end = (use) => {
      notice.remove();
      drop(id);
      if (use) this.#write(entry.text);
      this.#text.focus();
    };
    const row = h(
      "div",
      { class: "row" },
      h("button", { class: "button button--small", type: "button", onclick: () => end(true) }, t("reply.other_use")),
      h("button", { class: "button button--small", type: "button", onclick: () => end(false) }, t("reply.other_drop")),
    );
    notice.querySelector(".banner__body").append(row);
    byId("notices").append(notice);
  }

  #write(text) {
    this.#text.value = text;
    this.#changed();
  }

  /** Where the cursor is; at the end, while nobody has put it anywhere. */
  #insert(words) {
    const { value } = this.#text;
    const from = this.#entered ? this.#text.selectionStart : value.length;
    const to = this.#entered ? this.#text.selectionEnd : value.length;
    const before = from > 0 && !/\s$/u.test(value.slice(0, from)) ? " " : "";
    const after = to < value.length && !/^\s/u.test(value.slice(to)) ? " " : "";
    this.#text.focus();
    this.#text.setRangeText(before + words + after, from, to, "end");
    this.#changed();
  }

  #changed() {
    const over = this.#text.value.length - MAX_CHARS;
    this.#say(over > 0 ? t("reply.too_long", { count: over }) : t("reply.unsaved"));
    this.#keep();
    this.#compare();
    this.#mark();
    clearTimeout(this.#timer);
    if (over <= 0 && !this.#stale) this.#timer = setTimeout(() => this.save(), PAUSE_MS);
  }

  #say(text) {
    this.#status.textContent = text;
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
      const { version, damaged } = await call("POST", `/portal/api/referrals/${id}/save`, body);
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
    drop(id);
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
    const row = h(
      "div",
      { class: "row" },
      h("button", { class: "button button--small", type: "button", onclick: copy }, t("reply.copy")),
      h("button", { class: "button button--small", type: "button", onclick: () => location.assign(`/portal/referrals/${id}`) }, t("reply.reload")),
    );
    const notice = banner("problem", t("reply.stale_title"), h("p", {}, t("reply.stale")), row);
    fill(byId("notices"), notice);
    notice.scrollIntoView({ block: "center" });
  }

  #compare() {
    if (!byId("changes").open) return;
    const pieces = diff(this.#form.dataset.draft, this.#text.value);
    const kinds = { gone: "del", new: "ins" };
    if (pieces === null) fill(byId("diff"), t("reply.changes_large"));
    else if (pieces.every(({ kind }) => kind === "same")) fill(byId("diff"), t("reply.changes_none"));
    else fill(byId("diff"), pieces.map(({ kind, text }) => (kinds[kind] ? h(kinds[kind], {}, text) : text)));
  }

  /** Show which sentences are still the draft's: in the reply, and at the draft itself. */
  #mark() {
    const found = pieces(this.#text.value, this.#sentences);
    const count = found.filter(({ sentence }) => sentence !== null).length;
    const place = document.getElementById("marks");
    if (!place) return count;
    fill(place, this.#marked(found));
    byId("marks-count").textContent = count ? t("draft.count", { count }) : t("draft.count_none");
    const kept = new Set(found.filter(({ sentence }) => sentence !== null).map(({ text }) => text));
    for (const one of document.querySelectorAll("[data-said]")) {
      const there = kept.has(this.#sentences[Number(one.dataset.said)]);
      one.querySelector("[data-state]").textContent = t(there ? "draft.in_reply" : "draft.not_in_reply");
    }
    return count;
  }

  #marked(found) {
    return found.map(({ text, sentence }) => (sentence === null ? text : h("mark", { class: "drafted" }, text)));
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
  async #look() {
    const number = byId("number");
    if (!number.value.trim()) {
      number.focus();
      return;
    }
    if (!(await this.#ready())) return;
    this.#form.action = `/portal/referrals/${id}/filing`;
    this.#form.submit();
  }

  async #sign() {
    if (document.getElementById("number")?.value.trim()) {
      await this.#look();
      return;
    }
    if (!(await this.#ready())) return;
    const count = this.#mark();
    byId("confirm-drafts").textContent = count ? t("draft.sign_drafts", { count }) : "";
    fill(byId("confirm-text"), this.#marked(pieces(this.#text.value, this.#sentences)));
    await ask(byId("confirm"));
  }
}

if (state === "signed") drop(id);
if (document.getElementById("reply-form")) new Reply().start();
