/** The first day: the passphrase, the recovery text, the country, the record. */

import { call } from "/static/caretier/api.js";
import { byId, fill, problemBanner } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { bringing } from "./bringing.js";
import { offerCountries } from "./countries.js";
import { countryNumber } from "./emergency.js";
import { forget, keepField } from "./keep.js";
import { newPassphrase } from "./strength.js";

const here = (id) => document.getElementById(id);

function passphraseStep() {
  const show = newPassphrase(() => byId("label").value.trim());
  byId("label").addEventListener("input", show);
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
      for (const id of ["recovery-words", "recovery-save"]) byId(id).hidden = false;
      byId("recovery-show").hidden = true;
      words.focus();
    } catch (problem) {
      fill(byId("recovery-problem"), problemBanner(problem));
    }
  });
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
