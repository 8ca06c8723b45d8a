/**
 * The parts of a referral: side by side on a wide window, one at a time under tabs on a narrow one.
 * Alt with a digit goes to a part on either.
 */

const NARROW = matchMedia("(width < 60rem)");
const PAPER = matchMedia("print");
const tabs = [...document.querySelectorAll("#panes [role=tab]")];
let chosen = document.getElementById("panes")?.dataset.start || "words";

const panesOf = (name) => [...document.querySelectorAll(`[data-pane="${name}"]`)];

function lay() {
  if (PAPER.matches) return; // as narrow as a sheet is, it holds all parts
  const narrow = NARROW.matches;
  for (const tab of tabs) {
    const here = tab.dataset.opens === chosen;
    tab.setAttribute("aria-selected", String(here));
    tab.tabIndex = here ? 0 : -1;
    for (const pane of panesOf(tab.dataset.opens)) {
      pane.hidden = narrow && !here;
      if (narrow) pane.setAttribute("role", "tabpanel");
      else pane.removeAttribute("role");
      if (narrow) pane.setAttribute("aria-labelledby", tab.id);
      else pane.removeAttribute("aria-labelledby");
    }
  }
}

/** Show a part, and move the focus there when asked to. */
export function show(name, focus = false) {
  chosen = name;
  lay();
  const pane = panesOf(name)[0];
  if (!focus || !pane) return;
  const place = pane.querySelector("textarea") ?? pane.querySelector("h2");
  if (!place.matches("textarea")) place.tabIndex = -1;
  place.focus({ preventScroll: true });
  pane.scrollIntoView({ block: "start" });
}

function paneOf(id) {
  return document.getElementById(id)?.closest("[data-pane]")?.dataset.pane;
}

/** Open the part that holds what a link within the page leads to. */
function follow() {
  const pane = paneOf(decodeURIComponent(location.hash.slice(1)));
  if (!pane) return;
  show(pane);
  document.getElementById(location.hash.slice(1)).scrollIntoView({ block: "center" });
}

/** Bring the parts to life. */
export function start() {
  for (const tab of tabs) tab.addEventListener("click", () => show(tab.dataset.opens));
  document.getElementById("panes")?.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const step = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || step === undefined) return;
    event.preventDefault();
    const tab = tabs[(step + tabs.length) % tabs.length];
    show(tab.dataset.opens);
    tab.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const tab = tabs[Number(event.code.replace(/^(?:Digit|Numpad)/u, "")) - 1];
    if (!tab) return;
    event.preventDefault();
    show(tab.dataset.opens, true);
  });
  NARROW.addEventListener("change", lay);
  addEventListener("beforeprint", () => {
    for (const pane of document.querySelectorAll("[data-pane]")) pane.hidden = false;
  });
  addEventListener("afterprint", lay);
  addEventListener("hashchange", follow);
  lay();
  if (location.hash) follow();
}
