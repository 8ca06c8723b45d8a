/** Consents: what is allowed, to whom, since and until when, what left under each; given, withdrawn. */

import { call } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { byId, fill, h, problemBanner } from "/static/caretier/dom.js";
import { known, t, when } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { place } from "./receipt.js";

function consentState(consent) {
  if (consent.withdrawn) return ["routine", t("settings.consent_withdrawn")];
  if (consent.expires && new Date(consent.expires) < new Date()) return ["routine", t("settings.consent_expired")];
  return consent.standing ? ["ok", t("settings.consent_standing")] : ["info", t("settings.consent_once")];
}

const places = (consent) => consent.destinations.map(place).join(", ");
const under = (purpose) => (purpose === "treatment" ? t("settings.for_treatment") : purposeWords(purpose));
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

/** What left under a consent, each leading to its entry with the exact text. */
function leftUnder(consent, entries) {
  if (!entries) return null; // what left is not known now: that nothing did is not said
  const left = entries.filter((one) => one.consent === consent.id);
  if (!left.length) return h("p", { class: "soft small" }, t("settings.consent_nothing"));
  const line = (one) => h("li", {}, h("a", { class: "button button--quiet button--small", href: `/ledger#r-${encodeURIComponent(one.receipt)}` }, t("settings.consent_left_line", { date: when(one.time), destination: place(one.destination) })));
  return h("details", {}, h("summary", {}, t("settings.consent_left", { count: left.length })), h("ul", { class: "list" }, ...left.map(line)));
}

function consentRow(consent, entries) {
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
      h("p", { class: "soft small" }, [under(consent.purpose), given, until].filter(Boolean).join(" · ")),
      leftUnder(consent, entries),
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

async function showConsents() {
  const [{ consents }, { entries }] = await Promise.all([call("GET", "/api/consent"), call("GET", "/api/ledger").catch(() => ({ entries: null }))]);
  const newest = consents.toSorted((left, right) => right.granted.localeCompare(left.granted));
  showPurposes(newest);
  const list = h("ul", { class: "list stack" }, ...newest.map((one) => consentRow(one, entries)));
  fill(byId("consent-list"), newest.length ? list : h("p", { class: "soft" }, t("settings.consents_empty")));
}

byId("purposes").addEventListener("click", (event) => {
  const row = event.target.closest("[data-allow]")?.closest("[data-purpose]");
  if (row) allow(row.dataset.purpose).catch(toastProblem);
});

showConsents().catch((problem) => fill(byId("consent-list"), problemBanner(problem)));
