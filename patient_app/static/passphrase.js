/** Choosing another passphrase; every other browser must then open the record with it. */

import { call } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { byId, fill, problemBanner } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toast } from "/static/caretier/toast.js";
import { newPassphrase } from "./strength.js";

const dialog = byId("passphrase-dialog");
const form = byId("passphrase-form");
const show = newPassphrase(() => document.querySelector(".who span").textContent.trim());

byId("change-passphrase").addEventListener("click", async () => {
  await ask(dialog, byId("passphrase-now"));
  form.reset();
  show();
  fill(byId("passphrase-problem"));
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("passphrase-save").disabled = true;
  try {
    await call("POST", "/api/passphrase", { now: byId("passphrase-now").value, new: byId("passphrase").value });
    dialog.close("");
    toast(t("settings.passphrase_changed"));
  } catch (problem) {
    fill(byId("passphrase-problem"), problemBanner(problem));
    byId("passphrase-problem").scrollIntoView({ block: "nearest" });
  } finally {
    byId("passphrase-save").disabled = false;
  }
});
