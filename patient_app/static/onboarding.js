/** The first day: how strong a passphrase is and why, the recovery text, the country, the record. */

import { call } from "/static/caretier/api.js";
import { byId, fill, problemBanner } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { bringing } from "./bringing.js";
import { offerCountries } from "./countries.js";
import { countryNumber } from "./emergency.js";
import { forget, keepField } from "./keep.js";

const SHORTEST = 10;
const LEAST_DIFFERENT = 5;
const here = (id) => document.getElementById(id);

/** What stands against a passphrase first, else how hard it is to guess: 0 to 4 and the reason. */
export function strength(passphrase, name) {
  const different = new Set(passphrase.toLowerCase()).size;
  if (passphrase.length < SHORTEST) return [1, "short"];
  if (different < LEAST_DIFFERENT) return [1, "plain"];
  const rest = name ? passphrase.toLowerCase().replace(name.toLowerCase(), "") : passphrase;
  if (rest.length < SHORTEST) return [1, "named"];
  const words = passphrase.split(/[\s-]+/).filter((word) => word.length > 2).length;
  if (words >= 4 || (passphrase.length >= 18 && different >= 10)) return [4, "strong"];
  return passphrase.length >= 14 ? [3, "good"] : [2, "fair"];
}

function passphraseStep() {
  const [passphrase, again, label] = ["passphrase", "again", "label"].map(byId);
  const show = () => {
    const [score, reason] = strength(passphrase.value, label.value.trim());
    byId("strength").hidden = !passphrase.value;
    byId("strength-meter").value = score;
    byId("strength-words").textContent = t(`start.strength_${reason}`);
    again.setCustomValidity(again.value && again.value !== passphrase.value ? t("start.error_again") : "");
  };
  for (const field of [passphrase, again, label]) field.addEventListener("input", show);
  byId("reveal").addEventListener("change", (event) => {
    for (const field of [passphrase, again]) field.type = event.target.checked ? "text" : "password";
  });
  // The passphrase itself is kept nowhere.
  for (const name of ["label", "born"]) keepField(name, byId(name));
  byId("you").addEventListener("submit", () => {
    byId("make").setAttribute("aria-busy", "true");
    byId("make").textContent = t("start.making");
    for (const name of ["label", "born"]) forget(name);
  });
}

function recoveryStep() {
  const words = byId("recovery-words");
  byId("recovery-show").addEventListener("click", async () => {
    try {
      const { text } = await call("POST", "/api/recovery");
      words.textContent = text;
      byId("recovery-save").href = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/plain" }));
      for (const id of ["recovery-words", "recovery-print", "recovery-save"]) byId(id).hidden = false;
      byId("recovery-show").hidden = true;
      words.focus();
    } catch (problem) {
      fill(byId("recovery-problem"), problemBanner(problem));
    }
  });
  byId("recovery-print").addEventListener("click", () => print());
}

/** The country decides which number is shown. */
function choicesStep() {
  const country = byId("country");
  offerCountries(country, country.value);
  const show = () => {
    byId("number").textContent = countryNumber(country.value);
  };
  country.addEventListener("change", show);
  show();
}

if (here("you")) passphraseStep();
if (here("recovery-words")) recoveryStep();
if (here("choices")) choicesStep();
if (here("import-form")) bringing();
