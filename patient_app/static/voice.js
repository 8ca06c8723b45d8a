/**
 * Speaking instead of typing, and hearing an answer, where the browser has it. Where speech is not
 * understood on the device itself, the browser's maker hears it: the person is told first, and with
 * "Keep on this device" it is not done at all.
 */

import { byId, fill, h } from "/static/caretier/dom.js";
import { language, t } from "/static/caretier/i18n.js";

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const TAGS = { en: "en-US", es: "es-US" };

/** Whether speech can be understood without leaving this device. */
async function onDevice(tag) {
  try {
    return (await Recognition.available({ langs: [tag], processLocally: true })) === "available";
  } catch {
    return false; // an older browser has no such thing
  }
}

class Dictation {
  constructor(button, field, stays) {
    Object.assign(this, { button, field, stays, tag: TAGS[language] ?? language, agreed: false });
    this.note = byId("voice-note");
    button.addEventListener("click", () => this.pressed());
  }

  async pressed() {
    if (this.running) {
      this.running.stop();
      return;
    }
    const local = await onDevice(this.tag);
    if (!local && this.stays()) this.say(t("voice.stays"));
    else if (!local && !this.agreed) this.ask();
    else this.listen(local);
  }

  say(...words) {
    fill(this.note, ...words);
    this.note.hidden = words.length === 0;
  }

  /** The maker of the browser may hear it: said before the first word, not after. */
  ask() {
    const go = h("button", { class: "button button--small button--primary", type: "button" }, t("voice.speak"));
    const no = h("button", { class: "button button--small", type: "button" }, t("voice.type"));
    go.addEventListener("click", () => {
      this.agreed = true;
      this.listen(false);
    });
    no.addEventListener("click", () => {
      this.say();
      this.field.focus();
    });
    this.say(h("p", {}, t("voice.heard")), h("div", { class: "row" }, go, no));
    go.focus();
  }

  listen(local) {
    const before = this.field.value ? `${this.field.value.trimEnd()} ` : "";
    const heard = new Recognition();
    Object.assign(heard, { lang: this.tag, interimResults: true, continuous: true });
    if (local) heard.processLocally = true;
    heard.onresult = ({ results }) => {
      this.field.value = before + [...results].map(([best]) => best.transcript).join("");
      this.field.dispatchEvent(new Event("input", { bubbles: true }));
    };
    heard.onerror = ({ error }) => this.failed(error);
    heard.onend = () => this.ended();
    this.running = heard;
    this.button.setAttribute("aria-pressed", "true");
    this.say(t(local ? "voice.listening_here" : "voice.listening"));
    heard.start();
  }

  failed(error) {
    this.problem = error === "not-allowed" ? t("voice.forbidden") : t("voice.failed");
  }

  ended() {
    this.running = null;
    this.button.setAttribute("aria-pressed", "false");
    this.say(...[this.problem].filter(Boolean));
    this.problem = "";
    this.field.focus();
  }
}

/**
 * Show the microphone where the browser understands speech.
 * @param {() => boolean} stays whether nothing may leave the device now
 */
export function dictation(button, field, stays) {
  if (!Recognition) return;
  button.inert = false;
  new Dictation(button, field, stays);
}

const spoken = window.speechSynthesis;

/** A voice that is on this device: what an answer says is sent to nobody to be spoken. */
function voice() {
  return spoken?.getVoices().find((one) => one.localService && one.lang.startsWith(language));
}

/** Whether an answer can be read aloud here. */
export const canRead = () => Boolean(spoken && voice());

/** Read aloud, or stop; `ended` is called when it is over. Returns whether it speaks now. */
export function readAloud(text, ended) {
  if (spoken.speaking) {
    spoken.cancel();
    return false;
  }
  const said = new SpeechSynthesisUtterance(text);
  said.voice = voice();
  said.lang = said.voice.lang;
  said.onend = said.onerror = ended;
  spoken.speak(said);
  return true;
}
