/**
 * Modal dialogs on the browser's own `<dialog>`: focus goes in, Escape and the close buttons close,
 * focus returns to where it was.
 */

/**
 * Open a dialog and wait for its end.
 * @param {HTMLDialogElement} dialog buttons with `data-close="value"` close it with that value
 * @param {HTMLElement} [first] takes the focus; by default the element with `autofocus`
 * @returns {Promise<string>} the value, "" when it was dismissed
 */
export function ask(dialog, first) {
  const before = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  first?.focus();
  return new Promise((resolve) => {
    const onClick = (event) => {
      const button = event.target.closest("[data-close]");
      if (button && dialog.contains(button)) dialog.close(button.dataset.close);
    };
    dialog.addEventListener("click", onClick);
    dialog.addEventListener(
      "close",
      () => {
        dialog.removeEventListener("click", onClick);
        if (before instanceof HTMLElement && before.isConnected) before.focus();
        resolve(dialog.returnValue);
      },
      { once: true },
    );
  });
}
