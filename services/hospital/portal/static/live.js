/**
 * A page that keeps itself current: every ten seconds it reads itself again and exchanges the parts
 * marked `data-live` that have changed. A part that holds the focus, or an open or chosen thing, is
 * left as it is until that is over, so that nothing moves under a hand.
 */

import { byId } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";
import { keys } from "/static/caretier/keys.js";
import { quiet } from "./presence.js";

const EVERY_MS = 10 * 1000;
/** After so long untouched the page stops asking, so that it does not keep its session alive. */
const REST_MS = 5 * 60 * 1000;

const bar = byId("live-bar");
const pause = byId("live-pause");
const parser = new DOMParser();
const sources = new Map();
let paused = false;

/** Whether a hand is on a part. */
function held(part) {
  return part.contains(document.activeElement) || part.querySelector("details[open]") !== null;
}

function localTimes(part) {
  for (const time of part.querySelectorAll("time[data-when]")) {
    const at = time.getAttribute("datetime");
    time.textContent = "seconds" in time.dataset ? new Date(at).toLocaleTimeString() : when(at);
  }
}

function exchange(part, fresh) {
  if (!fresh || sources.get(part.id)?.isEqualNode(fresh) || held(part)) return;
  sources.set(part.id, fresh.cloneNode(true));
  part.replaceChildren(...document.importNode(fresh, true).childNodes);
  localTimes(part);
}

function say() {
  const resting = quiet() > REST_MS;
  byId("live-state").textContent = t(paused ? "live.is_paused" : resting ? "live.is_resting" : "live.is_on");
  pause.textContent = t(paused ? "live.go_on" : "live.pause");
}

async function refresh() {
  say();
  if (paused || document.hidden || quiet() > REST_MS) return;
  try {
    const response = await fetch(location.pathname, { cache: "no-store" });
    if (response.redirected) location.assign(response.url);
    if (!response.ok) throw new Error();
    const page = parser.parseFromString(await response.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      exchange(part, page.getElementById(part.id));
    }
  } catch {
    byId("live-state").textContent = t("live.lost");
  }
}

function toggle() {
  paused = !paused;
  say();
  if (!paused) refresh();
}

bar.hidden = false;
pause.addEventListener("click", toggle);
keys({ p: toggle });
document.querySelectorAll("[data-live]").forEach(localTimes);
say();
setInterval(refresh, EVERY_MS);
addEventListener("visibilitychange", () => !document.hidden && refresh());
