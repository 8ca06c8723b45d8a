/** Emergency access: how long it still lasts; when it ends, the chart leaves the screen by itself. */

const EVERY_MS = 1000;
const bar = document.getElementById("glassbar");
const left = document.getElementById("glass-left");
const until = Date.parse(bar?.dataset.until ?? "");

/** Count down; the server decides, so that a wrong clock here opens nothing. */
function tick() {
  const seconds = Math.max(0, Math.round((until - Date.now()) / 1000));
  const shown = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  left.textContent = left.dataset.left.replace("{time}", shown);
  if (seconds === 0) location.reload();
  else setTimeout(tick, EVERY_MS);
}

if (left && !Number.isNaN(until)) tick();
