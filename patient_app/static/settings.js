/** Profile and appearance; consents and own data are modules of their own. */

import { call } from "/static/caretier/api.js";
import { byId } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { offerCountries } from "./countries.js";

const form = byId("profile-form");
const changed = new Set();

/** Put what is kept into a field, unless the person was there first. */
function put(id, property, value) {
  if (!changed.has(id)) byId(id)[property] = value;
}

/** Only what is shown can be saved: nothing goes over a profile that did not come. */
async function showProfile() {
  const profile = await call("GET", "/api/profile");
  put("language", "value", profile.language);
  put("reading-level", "value", profile.reading_level);
  put("units", "value", profile.units ?? "as-written");
  put("interests", "value", (profile.interests ?? []).join(", "));
  put("learn", "checked", Boolean(profile.learn));
  offerCountries(byId("country"), profile.country);
  put("local-default", "checked", Boolean(profile.local_only));
  put("born", "value", profile.born ?? "");
  byId("save").disabled = false;
  if (profile.learn) await showAdapter();
}

const percent = (share) => `${Math.round(100 * share)} %`;

/** What the small model of this person knows, in words. */
async function showAdapter() {
  const { adapter } = await call("GET", "/api/personal");
  const words = adapter && {
    date: when(adapter.trained),
    count: adapter.examples,
    before: percent(adapter.before),
    after: percent(adapter.after),
  };
  byId("adapter-state").textContent = words ? t("settings.adapter_there", words) : t("settings.adapter_none");
  byId("adapter-forget").hidden = !adapter;
  byId("adapter").hidden = false;
}

async function trainAdapter() {
  byId("adapter-state").textContent = t("settings.adapter_training");
  const { taken, reason } = await call("POST", "/api/personal/adapter");
  await showAdapter();
  if (!taken) byId("adapter-state").textContent = t(`settings.adapter_${reason}`);
}

async function forgetAdapter() {
  await call("DELETE", "/api/personal/adapter");
  await showAdapter();
}

const interests = () =>
  byId("interests")
    .value.split(",")
    .map((one) => one.trim())
    .filter(Boolean);

async function saveProfile() {
  const language = byId("language").value;
  await call("PUT", "/api/profile", {
    language,
    reading_level: byId("reading-level").value,
    units: byId("units").value,
    interests: interests(),
    learn: byId("learn").checked,
    country: byId("country").value,
    born: byId("born").value || undefined,
    local_only: byId("local-default").checked,
  });
  toast(t("settings.saved"));
  byId("adapter").hidden = !byId("learn").checked;
  if (byId("learn").checked) await showAdapter();
  if (language !== document.documentElement.lang) location.reload();
}

byId("theme").value = document.documentElement.dataset.themeChoice ?? "system";
byId("theme").addEventListener("change", (event) => {
  window.dispatchEvent(new CustomEvent("caretier:theme", { detail: event.target.value }));
});

form.addEventListener("input", ({ target }) => changed.add(target.id));
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("save").disabled = true;
  await saveProfile().catch(toastProblem);
  byId("save").disabled = false;
});

byId("adapter-train").addEventListener("click", () => trainAdapter().catch(toastProblem));
byId("adapter-forget").addEventListener("click", () => forgetAdapter().catch(toastProblem));

byId("save").disabled = true;
showProfile().catch(toastProblem);
