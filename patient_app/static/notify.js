/**
 * Notifications while a page of this client is open, where the browser has them and the person
 * asked. They say that it is time, and name the medicine only where the person chose so: others may
 * read a locked screen. Nothing is sent to a push service.
 */

import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";

const LOOK_MS = 30_000;
const told = new Set();
let timer = 0;

const able = () => "Notification" in globalThis;

/** Whether the person lets this page ring. */
export const rings = () => able() && Notification.permission === "granted";

/** By the service worker where there is one: a phone's browser shows none of a page's own. */
async function ring(title, options) {
  const worker = navigator.serviceWorker?.controller && (await navigator.serviceWorker.ready);
  if (worker) await worker.showNotification(title, options);
  else new Notification(title, options);
}

function tell(dose) {
  if (told.has(dose.id)) return;
  told.add(dose.id);
  const body = dose.named ? `${dose.time} ${dose.name}` : t("reminders.notify_body");
  ring(t("reminders.notify_title"), { body, tag: dose.id }).catch(() => told.delete(dose.id));
}

function sayState(wanted) {
  const button = byId("notify");
  button.hidden = !wanted || !able() || Notification.permission !== "default";
  const state = able() && wanted ? Notification.permission : "";
  const words = { granted: t("reminders.notify_on"), denied: t("reminders.notify_denied") };
  byId("notify-state").textContent = words[state] ?? "";
}

/**
 * Tell of what is due now, and look again.
 * @param {{id: string, state: string, name: string, time: string, named: boolean}[]} doses of today
 * @param {boolean} wanted whether there is any reminder
 * @param {() => void} again shows the page anew
 */
export function watch(doses, wanted, again) {
  sayState(wanted);
  if (rings()) doses.filter((dose) => dose.state === "due").forEach(tell);
  clearTimeout(timer);
  if (wanted) later(again);
}

/** Look again after a while; not under an open dialog, but once it is closed. */
export function later(again) {
  clearTimeout(timer);
  timer = setTimeout(() => (document.querySelector("dialog[open]") ? later(again) : again()), LOOK_MS);
}

if (able()) {
  byId("notify").addEventListener("click", async () => {
    await Notification.requestPermission();
    sayState(true);
  });
}
