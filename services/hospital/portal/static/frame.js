/** What every page of the portal does: menu, colours, shortcuts, local times, leaving. */

import { when } from "/static/caretier/i18n.js";
import { any, dropAll } from "./keep.js";
import { watch } from "./presence.js";

const SHORTCUTS = "caretier-shortcuts";

function menu() {
  const details = document.getElementById("menu");
  const theme = document.getElementById("theme");
  theme.value = document.documentElement.dataset.themeChoice || "system";
  theme.addEventListener("change", () => {
    dispatchEvent(new CustomEvent("caretier:theme", { detail: theme.value }));
  });
  document.addEventListener("click", (event) => {
    if (!details.contains(event.target)) details.open = false;
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
}

function shortcuts() {
  const box = document.getElementById("shortcuts");
  if (!box) return;
  try {
    box.checked = localStorage.getItem(SHORTCUTS) !== "off";
    box.addEventListener("change", () => localStorage.setItem(SHORTCUTS, box.checked ? "on" : "off"));
  } catch {
    /* Storage may be refused; the choice then lasts for this page. */
  }
}

/** Put every moment of the page into local time. */
function times() {
  for (const time of document.querySelectorAll("time[data-when]")) {
    time.textContent = when(time.getAttribute("datetime"));
  }
}

menu();
shortcuts();
times();
watch();
document.getElementById("sign-out")?.addEventListener("submit", dropAll);
const notice = document.getElementById("kept");
if (notice) notice.hidden = !any();
// A page that the browser kept whole (back button) is from before a possible sign-out.
addEventListener("pageshow", (event) => event.persisted && location.reload());
