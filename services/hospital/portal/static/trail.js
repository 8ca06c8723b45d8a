/** The explorer's pages: printing, and the progress of what takes longer than a page may. */

import { call } from "/static/caretier/api.js";

const EVERY_MS = 1000;

const print = document.getElementById("print");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

const shown = document.querySelector("[data-progress]");

/** Show how far it is; once it is done, the page itself says what came of it. */
async function follow() {
  try {
    const now = (await call("GET", "/portal/api/audit"))[shown.dataset.progress];
    if (!now.running) return location.reload();
    const bar = shown.querySelector("progress");
    bar.max = now.whole || 1;
    bar.value = now.done;
  } catch {
    /* Away for a moment: the next time tells. */
  }
  return setTimeout(follow, EVERY_MS);
}

if (shown) setTimeout(follow, EVERY_MS / 4);
