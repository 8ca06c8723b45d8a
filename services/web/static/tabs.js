/**
 * Tabs after the ARIA pattern: `.tabs[role=tablist] > button[role=tab][aria-controls]`, arrow keys,
 * Home and End move; the panel of the chosen tab is shown.
 */

function choose(tabs, tab, focus) {
  for (const other of tabs) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !chosen;
  }
  if (focus) tab.focus();
  tab.dispatchEvent(new CustomEvent("tab", { bubbles: true }));
}

/** Bring the tab lists below `root` to life. */
export function enliven(root = document) {
  for (const list of root.querySelectorAll('.tabs[role="tablist"]')) {
    const tabs = [...list.querySelectorAll('[role="tab"]')];
    const start = tabs.find((tab) => tab.getAttribute("aria-selected") === "true") ?? tabs[0];
    if (start) choose(tabs, start, false);
    list.addEventListener("click", (event) => {
      const tab = event.target.closest('[role="tab"]');
      if (tab) choose(tabs, tab, false);
    });
    list.addEventListener("keydown", (event) => {
      const at = tabs.indexOf(document.activeElement);
      const step = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (at < 0 || step === undefined) return;
      event.preventDefault();
      choose(tabs, tabs[(step + tabs.length) % tabs.length], true);
    });
  }
}

enliven();
