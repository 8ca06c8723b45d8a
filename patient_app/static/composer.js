/** Where a question is written: kept as it is typed, counted near its end, spoken, sent by Enter. */

import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { forget, keepField } from "./keep.js";
import { dictation } from "./voice.js";

const COUNTER_FROM = 500;
const KEYBOARD_PIXELS = 150;
const NAME = "question";

export const form = byId("composer");
export const field = byId("question");
export const local = byId("local-only");

function count() {
  const left = field.maxLength - field.value.length;
  byId("counter").textContent = left <= COUNTER_FROM ? t("ask.counter", { left }) : "";
}

/** Put a question into the field, where it can be changed before it is asked. */
export function begun(text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

/** Empty the field: what was written is on its way. */
export function cleared() {
  field.value = "";
  forget(NAME);
  count();
}

/** While the keyboard of a phone is up, the navigation makes room for the field. */
function besideKeyboard() {
  const view = window.visualViewport;
  view?.addEventListener("resize", () => {
    const up = document.activeElement === field && window.innerHeight - view.height > KEYBOARD_PIXELS;
    document.documentElement.classList.toggle("keyboard", up);
    if (up) field.scrollIntoView({ block: "nearest" });
  });
}

field.addEventListener("input", count);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && matchMedia("(pointer: fine)").matches) {
    event.preventDefault();
    form.requestSubmit();
  }
});

keepField(NAME, field);
dictation(byId("voice"), field, () => local.checked);
besideKeyboard();
