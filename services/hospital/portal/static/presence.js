/**
 * Automatic logoff as the person meets it. Reading or typing keeps the session alive; a page that
 * nobody touches makes no call, so that its session runs out, and then leaves for the sign-in page
 * so that nothing stays on the screen.
 */

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
const IDLE_MS = Number(meta("idle")) * 1000;
const TOUCH_MS = Math.min(IDLE_MS / 4, 4 * 60 * 1000);
const CHECK_MS = 15 * 1000;
const SLACK_MS = 5 * 1000;

let touched = Date.now();
let called = Date.now();

/** Milliseconds since somebody last touched the page. */
export function quiet() {
  return Date.now() - touched;
}

async function tick() {
  if (quiet() > IDLE_MS + SLACK_MS) {
    location.assign(meta("signin"));
  } else if (touched > called && Date.now() - called > TOUCH_MS) {
    called = Date.now();
    const response = await fetch("/portal/api/session", { cache: "no-store" }).catch(() => null);
    if (response?.status === 401) location.assign(meta("signin"));
  }
}

/** Watch from now on; does nothing on a page without a session. */
export function watch() {
  if (!IDLE_MS) return;
  for (const event of ["pointerdown", "keydown", "wheel", "touchmove"]) {
    addEventListener(event, () => (touched = Date.now()), { passive: true });
  }
  setInterval(tick, CHECK_MS);
  addEventListener("visibilitychange", () => !document.hidden && tick());
}
