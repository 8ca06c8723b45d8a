/** The page of the design: opens its dialogs, shows its message, lets its tabs be tried. */

import { ask } from "/static/caretier/dialog.js";
import "/static/caretier/tabs.js";
import { toast } from "/static/caretier/toast.js";

for (const button of document.querySelectorAll(".opens")) {
  const dialog = document.getElementById(button.id.replace(/-opens$/, ""));
  button.addEventListener("click", () => ask(dialog));
}
for (const button of document.querySelectorAll(".toasts-one")) {
  button.addEventListener("click", () => toast(button.textContent));
}
