/** The first day: how strong a passphrase is and why, the recovery text, the country, the record. */

import { call, upload } from "/static/caretier/api.js";
import { banner, byId, fill, h, problemBanner } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { offerCountries } from "./countries.js";
import { countryNumber } from "./emergency.js";
import { forget, keepField } from "./keep.js";

const SHORTEST = 10;
const LEAST_DIFFERENT = 5;
const LARGEST_BYTES = 64 * 1024 * 1024;
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

function bringStep() {
  byId("import-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [file] = byId("file").files;
    const result = byId("import-result");
    if (file.size > LARGEST_BYTES) {
      fill(result, banner("problem", t("record.too_large")));
      return;
    }
    const type = file.name.toLowerCase().endsWith(".ndjson") ? "application/fhir+ndjson" : "application/fhir+json";
    fill(result, h("p", { class: "status" }, h("span", { class: "spinner" }), t("record.importing")));
    try {
      const { imported } = await upload("/api/record", file, type);
      fill(result, banner("ok", t("record.imported", { count: imported })));
    } catch (problem) {
      fill(result, problemBanner(problem));
    }
  });
}

if (here("you")) passphraseStep();
if (here("recovery-words")) recoveryStep();
if (here("choices")) choicesStep();
if (here("import-form")) bringStep();
