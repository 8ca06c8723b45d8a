/**
 * Automatic logoff as the person meets it. Reading or typing keeps the session alive; a page that
 * nobody touches says so a minute before the end, then ends the session and leaves for the sign-in
 * page, so that nothing stays on the screen. Pages of one browser tell one another of a touch.
 */

import { ask } from "/static/caretier/dialog.js";

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
const IDLE_MS = Number(meta("idle")) * 1000;
const WARN_MS = Math.min(60 * 1000, IDLE_MS / 4);
const TOUCH_MS = Math.min(IDLE_MS / 4, 4 * 60 * 1000);
const CHECK_MS = 5 * 1000;
const TELL_MS = 1000;

let touched = Date.now();
let called = Date.now();
let told = 0;
const others = "BroadcastChannel" in globalThis ? new BroadcastChannel("caretier-presence") : null;

/** Milliseconds since somebody last touched this page, or another one of this browser. */
export function quiet() {
  return Date.now() - touched;
}

function touch() {
  touched = Date.now();
  if (touched - told < TELL_MS) return;
  told = touched;
  others?.postMessage(touched);
}

/** Keep the session, by a call that does nothing else. */
async function stay() {
  called = Date.now();
  const response = await fetch("/portal/api/session", { cache: "no-store" }).catch(() => null);
  if (response?.status === 401) location.assign(meta("signin"));
}

/**
 * End the session, then leave. A call that the page made by itself may have kept the session beyond
 * the person's last touch, and the sign-in page would lead straight back.
 */
async function leave() {
  const body = new URLSearchParams({ csrf: meta("csrf") });
  await fetch("/portal/sign-out", { method: "POST", body, redirect: "manual" }).catch(() => null);
  location.assign(meta("signin"));
}

/** Count the last minute down in a dialog; what is typed or open stays behind it. */
function warn(dialog) {
  const left = document.getElementById("leaving-left");
  const clock = setInterval(() => {
    const seconds = Math.max(0, Math.ceil((IDLE_MS - quiet()) / 1000));
    left.textContent = seconds;
    if (quiet() < IDLE_MS - WARN_MS) dialog.close();
    else if (!seconds) tick();
  }, 1000);
  left.textContent = Math.max(0, Math.ceil((IDLE_MS - quiet()) / 1000));
  ask(dialog, document.getElementById("leaving-stay")).then(() => {
    clearInterval(clock);
    touch();
    stay();
  });
}

let leaving = false;

function tick() {
  const dialog = document.getElementById("leaving");
  if (quiet() >= IDLE_MS) {
    if (!leaving) leave();
    leaving = true;
  } else if (dialog && !dialog.open && quiet() >= IDLE_MS - WARN_MS) {
    warn(dialog);
  } else if (touched > called && Date.now() - called > TOUCH_MS) {
    stay();
  }
}

/** Watch from now on; does nothing on a page without a session. */
export function watch() {
  if (!IDLE_MS) return;
  for (const event of ["pointerdown", "keydown", "wheel", "touchmove"]) {
    addEventListener(event, touch, { passive: true });
  }
  others?.addEventListener("message", (event) => (touched = Math.max(touched, Number(event.data))));
  setInterval(tick, CHECK_MS);
  addEventListener("visibilitychange", () => !document.hidden && tick());
}
