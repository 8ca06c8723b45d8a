/** What every page of the portal does: menu, bell, colours, keys, local times, leaving. */

import { ask } from "/static/caretier/dialog.js";
import { when } from "/static/caretier/i18n.js";
import { keys } from "/static/caretier/keys.js";
import "/static/caretier/once.js";
import "./bell.js";
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
  sheet(details);
  const more = document.querySelector(".nav__more details");
  if (more) sheet(more);
}

/** Close what hangs from a summary by Escape, or by a press elsewhere. */
function sheet(details) {
  document.addEventListener("click", (event) => {
    if (!details.contains(event.target)) details.open = false;
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
}

/** Keys that every page knows, and the button that shows them all. */
function everywhere() {
  const help = document.getElementById("keys");
  if (!help) return;
  const go = (id) => () => document.querySelector(id)?.click();
  keys({ "g h": go(".brand"), "g n": go("#bell") });
  document.getElementById("keys-open").addEventListener("click", () => {
    document.getElementById("menu").open = false;
    ask(help);
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

/** Begin where the page says to; a busy browser passes that over now and then. */
function begin() {
  if (document.activeElement === document.body) document.querySelector("[autofocus]")?.focus();
}

menu();
shortcuts();
everywhere();
times();
begin();
watch();
document.getElementById("sign-out")?.addEventListener("submit", dropAll);
const notice = document.getElementById("kept");
if (notice) notice.hidden = !any();
// A page that the browser kept whole (back button) is from before a possible sign-out.
addEventListener("pageshow", (event) => event.persisted && location.reload());
