/** The page of notices: whether this computer may say outside the page that something waits. */

import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { allow, allowed } from "./bell.js";

const on = byId("outside-on");
const off = byId("outside-off");
const state = byId("outside-state");

/** Say how it stands, and offer what can be done about it. */
function show() {
  const able = "Notification" in globalThis;
  const refused = able && Notification.permission === "denied";
  on.hidden = !able || refused || allowed();
  off.hidden = !allowed();
  if (!able) state.textContent = t("notices.outside_unable");
  else if (refused) state.textContent = t("notices.outside_refused");
  else state.textContent = t(allowed() ? "notices.outside_is_on" : "notices.outside_is_off");
}

on.addEventListener("click", () => allow(true).catch(() => false).then(show));
off.addEventListener("click", () => allow(false).catch(() => false).then(show));
show();
