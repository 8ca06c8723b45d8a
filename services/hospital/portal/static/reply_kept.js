/** A reply that could not be saved: what stays of it in the browser, and how it is given back. */

import { banner, byId, fill, h } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toast } from "/static/caretier/toast.js";
import { drop, keep, kept } from "./keep.js";

const button = (text, onclick) => h("button", { class: "button button--small", type: "button", onclick }, text);

/** The copy of one person's reply to one referral. */
export class Kept {
  #id;
  #user;
  #text = byId("text");
  #version = byId("version");

  /**
   * @param {string} id of the referral
   * @param {string} user who writes
   */
  constructor(id, user) {
    [this.#id, this.#user] = [id, user];
  }

  keep() {
    return keep(this.#id, { user: this.#user, version: Number(this.#version.value), text: this.#text.value });
  }

  drop() {
    drop(this.#id);
  }

  /**
   * Put back what a lost session left behind; where the saved text has moved on, ask first.
   * @param {boolean} dirty whether the text of the page is not the saved one
   * @param {(text: string) => void} write puts a text into the form
   * @param {(text: string) => void} say tells how it stands
   */
  giveBack(dirty, write, say) {
    const entry = kept(this.#id, this.#user);
    if (!entry || entry.text === this.#text.value) {
      // A text that was refused at signing is not saved over somebody else's until it is edited.
      if (dirty) say(t("reply.unsaved"));
      else this.drop();
    } else if (entry.version === Number(this.#version.value)) {
      write(entry.text);
      toast(t("reply.restored"));
    } else {
      this.#offer(entry, write);
    }
  }

  #offer(entry, write) {
    const end = (use) => {
      notice.remove();
      this.drop();
      if (use) write(entry.text);
      this.#text.focus();
    };
    const row = h("div", { class: "row" }, button(t("reply.other_use"), () => end(true)), button(t("reply.other_drop"), () => end(false)));
    const other = h("p", { class: "leaves leaves--read" }, entry.text);
    const notice = banner("urgent", t("reply.other_title"), h("p", {}, t("reply.other")), other, row);
    byId("notices").append(notice);
  }
}

/**
 * Say that somebody else saved the reply meanwhile; what was written here can be copied.
 * @param {string} id of the referral
 */
export function conflict(id) {
  const text = byId("text");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text.value);
      toast(t("reply.copied"));
    } catch {
      text.select();
      toast(t("reply.copy_failed"), "problem");
    }
  };
  const again = () => location.assign(`/portal/referrals/${id}`);
  const row = h("div", { class: "row" }, button(t("reply.copy"), copy), button(t("reply.reload"), again));
  const notice = banner("problem", t("reply.stale_title"), h("p", {}, t("reply.stale")), row);
  fill(byId("notices"), notice);
  notice.scrollIntoView({ block: "center" });
}
