/** A new passphrase, typed twice: how hard it is to guess, and why one is not taken. */

import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";

const SHORTEST = 10;
const LEAST_DIFFERENT = 5;
const LEAST_OWN = 6;
// As in patient_app/newcomers.py, which has the last word.
const GUESSED_FIRST = /pass(word|phrase|code)|contraseña|qwert[yz]|asdf(gh)?|letmein|iloveyou|tequiero|welcome|caretier/g;
const DIGITS = "01234567890";

/** What is left of a passphrase without what is guessed first, and without runs of digits. */
function own(passphrase) {
  const rest = passphrase.toLowerCase().replace(GUESSED_FIRST, "");
  return rest.replace(/\d{3,}/g, (run) => (DIGITS.includes(run) ? "" : run)).trim();
}

/** What stands against a passphrase first, else how hard it is to guess: 0 to 4 and the reason. */
export function strength(passphrase, name) {
  const different = new Set(passphrase.toLowerCase()).size;
  if (passphrase.length < SHORTEST) return [1, "short"];
  const rest = name ? passphrase.toLowerCase().replace(name.toLowerCase(), "") : passphrase;
  if (rest.length < SHORTEST) return [1, "named"];
  const left = own(rest);
  if (different < LEAST_DIFFERENT || left.length < LEAST_OWN || /^[\d\s./-]+$/.test(left)) return [1, "plain"];
  const words = left.split(/[\s-]+/).filter((word) => word.length > 2).length;
  if (words >= 4 || (left.length >= 18 && different >= 10)) return [4, "strong"];
  return left.length >= 14 ? [3, "good"] : [2, "fair"];
}

/**
 * Watch the fields of a new passphrase; the browser says at the field itself why it is not taken.
 * @param {() => string} name of the person, which is guessed first
 */
export function newPassphrase(name) {
  const [passphrase, again] = ["passphrase", "again"].map(byId);
  const show = () => {
    const [score, reason] = strength(passphrase.value, name());
    byId("strength").hidden = !passphrase.value;
    byId("strength-meter").value = score;
    byId("strength-words").textContent = t(`strength.${reason}`);
    passphrase.setCustomValidity(passphrase.value && score < 2 ? t(`strength.${reason}`) : "");
    again.setCustomValidity(again.value && again.value !== passphrase.value ? t("strength.differs") : "");
  };
  for (const field of [passphrase, again]) field.addEventListener("input", show);
  byId("reveal").addEventListener("change", (event) => {
    for (const field of [passphrase, again]) field.type = event.target.checked ? "text" : "password";
  });
  return show;
}
