/** Reminders: what is due today, taken, put off or left out, each with a way back; and their times. */

import { call, look } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { banner, byId, fill, h, icon, problemBanner } from "/static/caretier/dom.js";
import { language, t, when } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { later, rings, watch } from "./notify.js";
import { undoable } from "./undo.js";

const KIND = { due: "warn", taken: "ok", skipped: "routine", later: "info", ahead: "routine", open: "routine" };
const MONDAY = Date.UTC(2024, 0, 1);
const DAYS = [0, 1, 2, 3, 4, 5, 6];
const TIME = /^([01]?\d|2[0-3]):[0-5]\d$/;
let editing = null;
let shown = "";
let changes = 0;

function weekday(number, style) {
  return new Intl.DateTimeFormat(language, { weekday: style, timeZone: "UTC" }).format(MONDAY + number * 86_400_000);
}

const dosePath = (dose) => `/api/doses/${encodeURIComponent(dose.id)}`;

/** Change something, and show what then stands; what was read before the change is shown no more. */
async function change(method, path, body) {
  changes += 1;
  const { was, ...state } = await call(method, path, body).finally(() => { changes += 1; });
  show(state);
  return was;
}

async function note(dose, state) {
  await change("PUT", dosePath(dose), { state });
  undoable(t("reminders.noted"), t("reminders.undo"), () => unnote(dose));
}

const unnote = (dose) => change("DELETE", dosePath(dose)).catch(toastProblem);

function doseRow(dose) {
  const button = (state, kind) =>
    h("button", { class: `button button--small ${kind}`, type: "button", "aria-label": `${t(`reminders.${state}`)}: ${dose.time} ${dose.name}`, onclick: () => note(dose, state).catch(toastProblem) }, t(`reminders.${state}`));
  const noted = dose.state === "taken" || dose.state === "skipped";
  const undo = h("button", { class: "button button--small button--quiet", type: "button", "aria-label": `${t("reminders.undo")}: ${dose.time} ${dose.name}`, onclick: () => unnote(dose) }, t("reminders.undo"));
  const actions = noted ? [undo] : [button("taken", "button--primary"), button("later", ""), button("skipped", "button--quiet")];
  return h(
    "li",
    { class: "dose", "data-state": dose.state },
    h("div", { class: "grow" }, h("strong", { class: "num" }, dose.time), " ", dose.name, " ", h("span", { class: `badge badge--${KIND[dose.state]}` }, t(`reminders.state_${dose.state}`))),
    h("div", { class: "row row--start noprint" }, ...actions),
  );
}

function reminderRow(one) {
  const days = one.days.length === DAYS.length ? t("reminders.every") : one.days.map((day) => weekday(day, "short")).join(", ");
  const until = one.until ? t("reminders.until", { date: when(one.until) }) : "";
  const button = (label, name, run) => h("button", { class: "button button--small button--quiet", type: "button", "aria-label": `${label}: ${one.name}`, onclick: run }, icon(name), label);
  return h(
    "li",
    { class: "stack stack--s" },
    h("div", {}, h("strong", {}, one.name), h("p", { class: "soft small" }, [one.times.join(", "), days, until].filter(Boolean).join(" · "))),
    one.stopped && banner("info", t("reminders.old")),
    h("div", { class: "row row--start" }, button(t("reminders.edit"), "edit", () => openReminder({ name: one.name, ref: one.medicine }, one)), button(t("reminders.remove"), "trash", () => remove(one).catch(toastProblem))),
  );
}

async function remove(one) {
  const was = await change("DELETE", `/api/reminders/${one.id}`);
  undoable(t("reminders.removed"), t("reminders.undo"), () => change("POST", "/api/reminders", was).catch(toastProblem));
}

function historyRow(day) {
  const rest = [day.skipped && t("reminders.skipped_count", { count: day.skipped }), day.open && t("reminders.open_count", { count: day.open })];
  const words = [t("reminders.history_day", day), ...rest].filter(Boolean).join(", ");
  return h("li", { class: "row row--between" }, h("span", {}, when(day.day)), h("span", { class: "soft small" }, words));
}

/** Looked at again, the page changes only where something did: nobody's focus is taken away. */
function show(state) {
  const told = JSON.stringify(state);
  if (told !== shown) draw(state);
  shown = told;
  watch(state.today, state.reminders.length > 0, showReminders);
}

function draw(state) {
  const none = h("div", {}, h("p", {}, h("strong", {}, t("reminders.none_title"))), h("p", { class: "soft small" }, t("reminders.none")));
  const open = state.today.some((dose) => dose.state === "open");
  fill(byId("today"), state.today.length ? h("ul", { class: "list" }, ...state.today.map(doseRow)) : none, open && h("p", { class: "small" }, t("reminders.doubled")));
  fill(byId("reminders"), state.reminders.length ? h("ul", { class: "list" }, ...state.reminders.map(reminderRow)) : h("p", { class: "soft" }, t("reminders.none")));
  byId("calendar").hidden = state.reminders.length === 0;
  byId("history").hidden = state.history.length === 0;
  fill(byId("history-days"), ...state.history.map(historyRow));
}

/** Load and show everything about reminders; where that fails, it is tried again at the next look. */
export async function showReminders() {
  const before = changes;
  try {
    // only who asked to be rung keeps the record open by leaving the page open
    const state = await (rings() ? call("GET", "/api/reminders") : look("/api/reminders"));
    if (before === changes) show(state);
    else later(showReminders);
  } catch (problem) {
    shown = "";
    fill(byId("today"), problemBanner(problem));
    later(showReminders);
  }
}

function dayBox(number, chosen) {
  const id = `day-${number}`;
  const box = h("input", { type: "checkbox", id, value: number, checked: chosen });
  return h("label", { class: "check check--small", for: id, title: weekday(number, "long") }, box, h("span", {}, weekday(number, "short")));
}

/** Make a reminder for a medicine, or change one. */
export async function openReminder(medicine, held = null) {
  editing = { medicine, held };
  byId("reminder-name").textContent = t("reminders.dialog", { name: medicine.name });
  byId("reminder-problem").textContent = "";
  byId("times").value = (held?.times ?? []).join(", ");
  byId("until").value = held?.until ?? "";
  byId("named").checked = held?.named ?? false;
  fill(byId("days"), ...DAYS.map((number) => dayBox(number, held ? held.days.includes(number) : true)));
  await ask(byId("reminder-dialog"), byId("times"));
}

async function save() {
  const times = byId("times").value.split(/[,;\s]+/).filter(Boolean);
  const days = [...byId("days").querySelectorAll("input:checked")].map((box) => Number(box.value));
  const wrong = !times.length || !times.every((one) => TIME.test(one)) ? "times_bad" : !days.length && "days_bad";
  byId("reminder-problem").textContent = wrong ? t(`reminders.${wrong}`) : "";
  if (wrong) return;
  const { medicine, held } = editing;
  const body = { medicine: medicine.ref, name: medicine.name, times: times.map((one) => one.padStart(5, "0")), days, until: byId("until").value || null, named: byId("named").checked };
  const where = held ? ["PUT", `/api/reminders/${held.id}`, { ...body, since: held.since }] : ["POST", "/api/reminders", body];
  try {
    await change(...where);
    byId("reminder-dialog").close("");
    toast(t("reminders.saved"));
  } catch (problem) {
    byId("reminder-problem").textContent = [problem.message, problem.remedy].filter(Boolean).join(" ");
  }
}

byId("reminder-save").addEventListener("click", save);
byId("calendar-names").addEventListener("change", ({ target }) => {
  byId("calendar-file").href = `/api/reminders/calendar${target.checked ? "?named=true" : ""}`;
});
