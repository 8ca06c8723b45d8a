/** The picker of phrases: those in the patient's language, searched as one types. */

import { call } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { byId, fill, h } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toastProblem } from "/static/caretier/toast.js";

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Opens the dialog and gives the chosen words to `insert`. */
export class Picker {
  #dialog = byId("phrases");
  #search = byId("phrase-search");
  #list = byId("phrase-list");
  #count = byId("phrase-count");
  #language = byId("text").lang;
  #given = new Set(JSON.parse(byId("phrases").dataset.given));
  #phrases = null;
  #insert;

  constructor(insert) {
    this.#insert = insert;
    this.#search.addEventListener("input", () => this.#show());
    this.#dialog.addEventListener("keydown", (event) => this.#move(event));
  }

  async open() {
    if (this.#dialog.open) return;
    this.#search.value = "";
    const closing = ask(this.#dialog, this.#search);
    if (this.#phrases === null) await this.#load();
    this.#show();
    const value = await closing;
    const picked = (this.#phrases ?? []).find(({ id }) => `phrase:${id}` === value);
    if (picked) this.#insert(picked[this.#language]);
  }

  async #load() {
    fill(this.#list, h("p", { class: "soft" }, t("phrases.loading")));
    try {
      const { phrases } = await call("GET", "/portal/api/phrases");
      this.#phrases = phrases.filter((one) => one[this.#language]);
    } catch (problem) {
      this.#dialog.close("");
      toastProblem(problem);
    }
  }

  #show() {
    const words = plain(this.#search.value).split(/\s+/u).filter(Boolean);
    const fits = (one) => words.every((word) => plain(`${one.title} ${one[this.#language]}`).includes(word));
    const found = (this.#phrases ?? []).filter(fits);
    fill(this.#list, found.length ? found.map((one) => this.#row(one)) : h("p", { class: "soft" }, t("phrases.none")));
    this.#count.textContent = t("phrases.count", { count: found.length });
  }

  #row(one) {
    const lacks = one.named[this.#language].filter((name) => !this.#given.has(name));
    return h(
      "button",
      {
        class: "phrase",
        type: "button",
        "data-close": lacks.length ? null : `phrase:${one.id}`,
        "aria-disabled": lacks.length ? "true" : null,
      },
      h("strong", {}, one.title),
      h("span", { class: "phrase__text", lang: this.#language }, one[this.#language]),
      lacks.length > 0 && h("span", { class: "phrase__lacks" }, t("phrases.lacks", { found: lacks.join(", ") })),
    );
  }

  #move(event) {
    const rows = [...this.#list.querySelectorAll(".phrase")];
    if (event.key === "Enter" && document.activeElement === this.#search) {
      event.preventDefault();
      rows.find((row) => row.dataset.close)?.click();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !rows.length) return;
    event.preventDefault();
    const at = rows.indexOf(document.activeElement) + step;
    if (at < 0) this.#search.focus();
    else rows[Math.min(at, rows.length - 1)].focus();
  }
}
