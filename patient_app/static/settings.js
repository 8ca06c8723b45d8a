/** Profile, appearance, consents given and withdrawn, the recovery text, and erasing everything. */

import { call } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { banner, byId, fill, h } from "/static/caretier/dom.js";
import { known, t, when } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { place } from "./answer.js";

async function showProfile() {
  const profile = await call("GET", "/api/profile");
  byId("language").value = profile.language;
  byId("reading-level").value = profile.reading_level;
  byId("units").value = profile.units ?? "as-written";
  byId("interests").value = (profile.interests ?? []).join(", ");
  byId("learn").checked = Boolean(profile.learn);
  byId("country").value = profile.country;
  byId("local-default").checked = Boolean(profile.local_only);
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
  const country = byId("country").value.trim().toUpperCase();
  byId("country").setAttribute("aria-invalid", String(!/^[A-Z]{2}$/.test(country)));
  if (!/^[A-Z]{2}$/.test(country)) {
    toast(t("settings.country_bad"), "problem");
    byId("country").focus();
    return;
  }
  const language = byId("language").value;
  await call("PUT", "/api/profile", {
    language,
    reading_level: byId("reading-level").value,
    units: byId("units").value,
    interests: interests(),
    learn: byId("learn").checked,
    country,
    local_only: byId("local-default").checked,
  });
  toast(t("settings.saved"));
  byId("adapter").hidden = !byId("learn").checked;
  if (byId("learn").checked) await showAdapter();
  if (language !== document.documentElement.lang) location.reload();
}

function consentState(consent) {
  if (consent.withdrawn) return ["routine", t("settings.consent_withdrawn")];
  if (consent.expires && new Date(consent.expires) < new Date()) return ["routine", t("settings.consent_expired")];
  return consent.standing ? ["ok", t("settings.consent_standing")] : ["info", t("settings.consent_once")];
}

const places = (consent) => consent.destinations.map(place).join(", ");
const purposeWords = (purpose) => (known(`settings.purpose_${purpose}`) ? t(`settings.purpose_${purpose}`) : "");

async function withdraw(consent) {
  const destination = places(consent);
  const other = consent.purpose && consent.purpose !== "treatment";
  byId("withdraw-text").textContent = other
    ? t("settings.withdraw_other", { destination, purpose: purposeWords(consent.purpose) })
    : t("settings.withdraw_text", { destination });
  if ((await ask(byId("withdraw-dialog"))) !== "withdraw") return;
  await call("POST", `/api/consent/${encodeURIComponent(consent.id)}/withdraw`);
  toast(t("settings.withdrawn"));
  await showConsents();
}

function consentRow(consent) {
  const [kind, words] = consentState(consent);
  const given = t("settings.consent_granted", { date: when(consent.granted) });
  const until = consent.expires ? t("settings.consent_until", { date: when(consent.expires) }) : "";
  const button = h("button", { class: "button button--small", type: "button" }, t("settings.withdraw"));
  button.addEventListener("click", () => withdraw(consent).catch(toastProblem));
  const open = !consent.withdrawn && kind !== "routine";
  return h(
    "li",
    { class: "row row--between" },
    h(
      "div",
      { class: "grow" },
      h("p", {}, h("strong", {}, places(consent)), " ", h("span", { class: `badge badge--${kind}` }, words)),
      h("p", { class: "soft small" }, [purposeWords(consent.purpose), given, until].filter(Boolean).join(" · ")),
    ),
    open && button,
  );
}

/** Under each purpose, what is allowed now. */
function showPurposes(consents) {
  for (const row of byId("purposes").children) {
    const open = consents.filter(
      (one) => one.purpose === row.dataset.purpose && one.standing && consentState(one)[0] === "ok",
    );
    const said = open.map((one) =>
      one.expires
        ? t("settings.purpose_given_until", { destination: places(one), date: when(one.expires) })
        : t("settings.purpose_given", { destination: places(one) }),
    );
    row.querySelector("[data-state]").textContent = said.join(". ") || t("settings.purpose_none");
  }
}

/** The hospital can read what is referred to a clinic: treatment by the clinic alone sends nothing. */
function offerPlaces(purpose) {
  const select = byId("allow-to");
  const alone = select.querySelector('[value="clinic"]');
  alone.hidden = alone.disabled = purpose === "treatment";
  select.value = "clinic hospital";
}

async function allow(purpose) {
  offerPlaces(purpose);
  byId("allow-text").textContent = `${purposeWords(purpose)}. ${t(`settings.purpose_${purpose}_text`)}`;
  if ((await ask(byId("allow-dialog"), byId("allow-to"))) !== "allow") return;
  const days = byId("allow-days").value;
  const destinations = byId("allow-to").value.split(" ");
  await call("POST", "/api/consent", { purpose, destinations, days: days ? Number(days) : null });
  toast(t("settings.allowed"));
  await showConsents();
}

async function showRecovery() {
  const { text } = await call("POST", "/api/recovery");
  byId("recovery-words").textContent = text;
  await ask(byId("recovery-dialog"));
  byId("recovery-words").textContent = "";
}

/** The receipt is all that is left: it stays on the page until the person closes it. */
async function showErased(receipt) {
  byId("erase-dialog").close("");
  const text = JSON.stringify(receipt, null, 2);
  byId("erased-receipt").textContent = text;
  byId("erased-save").href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  await ask(byId("erased-dialog"), byId("erased-save"));
}

async function showConsents() {
  const { consents } = await call("GET", "/api/consent");
  const newest = consents.toSorted((left, right) => right.granted.localeCompare(left.granted));
  showPurposes(newest);
  const list = h("ul", { class: "list stack" }, ...newest.map(consentRow));
  fill(byId("consent-list"), newest.length ? list : h("p", { class: "soft" }, t("settings.consents_empty")));
}

function eraseDialog() {
  const field = byId("erase-word");
  const confirm = byId("erase-confirm");
  const typed = () => field.value.trim().toLowerCase() === t("settings.erase_word");
  field.addEventListener("input", () => {
    confirm.disabled = !typed();
  });
  byId("erase").addEventListener("click", () => {
    field.value = "";
    confirm.disabled = true;
    ask(byId("erase-dialog"), field);
  });
  confirm.addEventListener("click", async () => {
    if (!typed()) return;
    confirm.disabled = true;
    try {
      const { receipt } = await call("POST", "/api/erase", { confirm: "erase" });
      if (receipt) await showErased(receipt);
      location.assign("/unlock");
    } catch (problem) {
      byId("erase-dialog").close("");
      toastProblem(problem);
    }
  });
}

byId("theme").value = document.documentElement.dataset.themeChoice ?? "system";
byId("theme").addEventListener("change", (event) => {
  window.dispatchEvent(new CustomEvent("caretier:theme", { detail: event.target.value }));
});

byId("profile-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("save").disabled = true;
  await saveProfile().catch(toastProblem);
  byId("save").disabled = false;
});

byId("purposes").addEventListener("click", (event) => {
  const row = event.target.closest("[data-allow]")?.closest("[data-purpose]");
  if (row) allow(row.dataset.purpose).catch(toastProblem);
});

byId("adapter-train").addEventListener("click", () => trainAdapter().catch(toastProblem));
byId("adapter-forget").addEventListener("click", () => forgetAdapter().catch(toastProblem));
byId("recovery").addEventListener("click", () => showRecovery().catch(toastProblem));

eraseDialog();
showProfile().catch(toastProblem);
showConsents().catch((problem) => fill(byId("consent-list"), banner("problem", problem.message)));
