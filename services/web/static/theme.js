/**
 * Applies the chosen theme before the first paint; loaded without `type=module` for that reason.
 * Only the word "light" or "dark" is kept in the browser, never anything about a person.
 */
"use strict";

(() => {
  const KEY = "caretier-theme";
  const root = document.documentElement;

  function apply(choice) {
    if (choice === "light" || choice === "dark") {
      root.dataset.theme = choice;
    } else {
      delete root.dataset.theme;
    }
  }

  function stored() {
    try {
      return localStorage.getItem(KEY) ?? "system";
    } catch {
      return "system";
    }
  }

  apply(stored());
  window.addEventListener("caretier:theme", (event) => {
    apply(event.detail);
    try {
      localStorage.setItem(KEY, event.detail);
    } catch {
      /* Storage may be refused; the choice then lasts for this page. */
    }
  });
  root.dataset.themeChoice = stored();
})();
