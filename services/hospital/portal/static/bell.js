/**
 * The bell: asks now and then how many notices are unread, and where the person has allowed it on
 * this computer, says outside the page that something waits; never what.
 */

import { call } from "/static/caretier/api.js";
import { t } from "/static/caretier/i18n.js";
import { quiet } from "./presence.js";

const POLL_MS = 30 * 1000;
/** After so long untouched the page stops asking, so that it does not keep its session alive. */
const REST_MS = 5 * 60 * 1000;
const ALLOWED = "caretier-notify";
const bell = document.getElementById("bell");

/** Whether the person allowed notifications on this computer. */
export function allowed() {
  try {
    return Notification.permission === "granted" && localStorage.getItem(ALLOWED) === "on";
  } catch {
    return false;
  }
}

/** Ask the browser to allow them, or stop them; only on the person's own press of a button. */
export async function allow(on) {
  if (on && (await Notification.requestPermission()) !== "granted") return false;
  localStorage.setItem(ALLOWED, on ? "on" : "off");
  return on;
}

/** Show how many are unread. */
export function show(count) {
  const before = Number(bell.dataset.count);
  bell.dataset.count = count;
  const badge = document.getElementById("bell-count");
  badge.hidden = !count;
  badge.textContent = count < 100 ? count : "99+";
  document.getElementById("bell-words").textContent = `${t("bell.label")}: ${t("bell.unread", { count })}`;
  dispatchEvent(new CustomEvent("caretier:unread", { detail: count }));
  if (count > before && document.hidden && allowed()) {
    new Notification("Caretier", { body: t("bell.told"), tag: "caretier" });
  }
}

async function poll() {
  if (quiet() > REST_MS || (document.hidden && !allowed())) return;
  const found = await call("GET", "/portal/api/notices").catch(() => null);
  if (found) show(found.unread);
}

if (bell) {
  setInterval(poll, POLL_MS);
  addEventListener("visibilitychange", () => !document.hidden && poll());
}
