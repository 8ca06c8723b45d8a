/** The person's medicines: what the record says, what they entered, what to ask about. */

import { call } from "/static/caretier/api.js";
import { banner, byId, empty, fill, h, icon, problemBanner, safeUrl } from "/static/caretier/dom.js";
import { known, t, when } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { forget, keepField } from "./keep.js";
import { openReminder, showReminders } from "./reminders.js";
import { englishNote, passage } from "./sources.js";
import { undoable } from "./undo.js";

const FIELDS = ["name", "take", "reason", "since"];
const path = (ref) => `/api/medicines/${encodeURIComponent(ref.split("/")[1])}`;

function source(warning) {
  if (!warning.source) return null;
  const url = safeUrl(warning.url);
  const words = { class: "small", href: url, target: "_blank", rel: "noopener noreferrer" };
  return url && h("p", { class: "noprint" }, h("a", { ...words, "aria-label": t("medicines.source", { name: warning.source }) }, t("medicines.open")));
}

function warnings(list, title) {
  if (!list.length) return null;
  const lines = list.map((one) => h("div", {}, h("p", {}, one.text), source(one)));
  return banner("urgent", title, ...lines, h("p", { class: "small" }, t("medicines.warnings_text")));
}

function leaflet(one) {
  if (!one.leaflet) return h("p", { class: "soft small noprint" }, t("medicines.unexplained"));
  const head = (part) => (known(`medicines.section_${part.section}`) ? t(`medicines.section_${part.section}`) : "");
  return h(
    "details",
    { class: "leaflet noprint" },
    h("summary", {}, t("medicines.leaflet")),
    h("h4", {}, one.leaflet.title),
    englishNote(),
    ...one.leaflet.passages.map((part) => passage(part, head(part))),
  );
}

function how(one) {
  if (one.own && !one.dose) return [h("p", { class: "soft small" }, t("medicines.own_missing"))];
  return [
    one.dose && h("p", {}, t("medicines.how", { dose: one.dose })),
    one.doubt && banner("info", t(`medicines.${one.doubt}`)),
  ];
}

function origin(one) {
  const own = h("span", { class: "badge badge--info" }, icon("edit"), t("medicines.own"));
  const since = one.since ? t("medicines.since", { date: when(one.since) }) : "";
  return h("p", { class: "soft small" }, one.own ? own : t("medicines.recorded"), since && ` · ${since}`);
}

function action(label, name, one, run) {
  return h("button", { class: "button button--small", type: "button", "aria-label": `${label}: ${one.name}`, onclick: () => run().catch(toastProblem) }, icon(name), label);
}

async function stand(one, active) {
  show(await call("PUT", path(one.ref), { active }));
  if (!active) undoable(t("medicines.stopped_toast"), t("medicines.undo"), () => stand(one, true).catch(toastProblem));
  showReminders();
}

async function remove(one) {
  show(await call("DELETE", path(one.ref)));
  undoable(t("medicines.removed_toast"), t("medicines.undo"), () => add(one).catch(toastProblem));
}

async function add({ name, dose, reasons, since }) {
  const body = { name, how: dose ?? "", reason: reasons?.[0] ?? "", since: since || null };
  show(await call("POST", "/api/medicines", body));
}

function card(one) {
  return h(
    "section",
    { class: "card medicine" },
    h("h3", {}, one.name),
    origin(one),
    one.reasons.length > 0 && h("p", {}, t("medicines.for", { list: one.reasons.join(", ") })),
    ...how(one),
    warnings(one.warnings, t("medicines.warning")),
    leaflet(one),
    h(
      "div",
      { class: "row row--start noprint" },
      action(t("medicines.remind"), "clock", one, () => openReminder(one)),
      one.own && action(t("medicines.stop"), "close", one, () => stand(one, false)),
      one.own && action(t("medicines.remove"), "trash", one, () => remove(one)),
    ),
  );
}

function former(title, list, text = "", back = false) {
  if (!list.length) return null;
  const row = (one) => h("li", { class: "row row--between" }, h("span", { class: "grow" }, one.name), origin(one), back && one.own && action(t("medicines.again"), "refresh", one, () => stand(one, true)));
  return h("details", { class: "card noprint" }, h("summary", {}, `${title} (${list.length})`), text && h("p", { class: "soft small" }, text), h("ul", { class: "list" }, ...list.map(row)));
}

function show(found) {
  const none = h("div", { class: "card" }, empty("record", t("medicines.empty_title"), t("medicines.empty")));
  const head = h("h2", {}, t("medicines.list"));
  const allergies = found.allergies.length > 0 && banner("urgent", t("medicines.allergies", { list: found.allergies.join(", ") }));
  fill(
    byId("medicines"),
    head,
    allergies,
    warnings(found.twice, t("medicines.twice")),
    ...(found.active.length ? found.active.map(card) : [none]),
    found.on_hold.length > 0 && former(t("medicines.on_hold"), found.on_hold, t("medicines.on_hold_text")),
    former(t("medicines.stopped"), found.stopped, "", true),
  );
  byId("medicines").removeAttribute("aria-busy");
}

byId("add-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = { name: byId("name").value, dose: byId("take").value, reasons: [byId("reason").value], since: byId("since").value };
  byId("add-button").disabled = true;
  try {
    await add(fields);
    event.target.reset();
    FIELDS.forEach((name) => forget(`medicine-${name}`));
    toast(t("medicines.added"));
  } catch (problem) {
    toastProblem(problem);
  } finally {
    byId("add-button").disabled = false;
  }
});

for (const name of FIELDS) keepField(`medicine-${name}`, byId(name));
byId("print").addEventListener("click", () => print());
byId("printed").textContent = t("medicines.printed", { date: when(new Date().toISOString()) });
showReminders();
call("GET", "/api/medicines").then(show, (problem) => fill(byId("medicines"), problemBanner(problem)));
