/**
 * Undo and redo for a text area whose text is also written by the page. The browser's own undo knows
 * nothing of that, so that one step back could bring a text that never was.
 */

const PAUSE_MS = 700;
const MOST = 200;

export class Undo {
  #area;
  #done = [];
  #undone = [];
  #now;
  #at = 0;

  /**
   * @param {HTMLTextAreaElement} area
   * @param {() => void} changed called after a step back or forth
   */
  constructor(area, changed) {
    this.#area = area;
    this.#now = area.value;
    area.addEventListener("input", () => this.note());
    area.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const key = event.key.toLowerCase();
      const back = key === "z" && !event.shiftKey;
      if (!back && key !== "y" && key !== "z") return;
      event.preventDefault();
      if (back ? this.back() : this.forth()) changed();
    });
  }

  get canGoBack() {
    return this.#done.length > 0;
  }

  get canGoForth() {
    return this.#undone.length > 0;
  }

  /** Note that the text is another; typing without a pause is one step, `whole` a step of its own. */
  note(whole = false) {
    if (this.#area.value === this.#now) return;
    const going = Date.now() - this.#at < PAUSE_MS && !whole && this.#done.length > 0;
    if (!going) this.#done = [...this.#done, this.#now].slice(-MOST);
    this.#now = this.#area.value;
    this.#at = whole ? 0 : Date.now();
    this.#undone = [];
  }

  /** One step back; whether there was one. */
  back() {
    return this.#step(this.#done, this.#undone);
  }

  /** One step forth; whether there was one. */
  forth() {
    return this.#step(this.#undone, this.#done);
  }

  #step(from, to) {
    if (!from.length) return false;
    to.push(this.#now);
    this.#now = from.pop();
    this.#at = 0;
    this.#area.value = this.#now;
    this.#area.focus();
    return true;
  }
}
