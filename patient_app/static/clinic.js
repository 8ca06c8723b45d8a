/** The clinic that this record is linked to, and the code that links it. */

import { call } from "/static/caretier/api.js";
import { byId, fill, problemBanner } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toast } from "/static/caretier/toast.js";

function show({ clinic, hospital }) {
  const said = hospital ? "linked_hospital" : "linked";
  byId("clinic-state").textContent = clinic ? t(`clinic.${said}`, { name: clinic, hospital }) : t("clinic.none");
  byId("clinic-about").textContent = t(clinic ? "clinic.text" : "clinic.how");
  byId("clinic-form").hidden = Boolean(clinic);
  byId("clinic-another").hidden = !clinic;
}

byId("clinic-another").addEventListener("click", () => {
  byId("clinic-form").hidden = false;
  byId("clinic-another").hidden = true;
  byId("code").focus();
});

byId("clinic-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("clinic-link").disabled = true;
  byId("clinic-problem").textContent = t("clinic.linking");
  try {
    show(await call("POST", "/api/clinic", { code: byId("code").value }));
    byId("clinic-problem").textContent = "";
    event.target.reset();
    toast(t("clinic.done"));
  } catch (problem) {
    fill(byId("clinic-problem"), problemBanner(problem));
  } finally {
    byId("clinic-link").disabled = false;
  }
});

call("GET", "/api/clinic")
  .then(show)
  .catch((problem) => fill(byId("clinic-state"), problemBanner(problem)));
