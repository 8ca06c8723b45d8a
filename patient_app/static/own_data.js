/** The person's own data: taken along as a file, the recovery text, and erasing everything. */

import { call } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { byId, h } from "/static/caretier/dom.js";
import { size, t } from "/static/caretier/i18n.js";
import { toastProblem } from "/static/caretier/toast.js";
import { forgetAll } from "./keep.js";

async function showRecovery() {
  const { text } = await call("POST", "/api/recovery");
  byId("recovery-words").textContent = text;
  await ask(byId("recovery-dialog"));
  byId("recovery-words").textContent = "";
}

/** The receipt is all that is left: it stays on the page until the person closes it. */
async function showErased(receipt) {
  byId("erase-dialog").close("");
  const text = JSON.stringify(receipt, null, 2);
  byId("erased-receipt").textContent = text;
  byId("erased-save").href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  await ask(byId("erased-dialog"), byId("erased-save"));
}

/** A file of everything: it is made on the device, which takes a moment, and then saved. */
async function takeOut(link) {
  byId("export-state").textContent = t("settings.export_making");
  try {
    const response = await fetch(link.href, { credentials: "same-origin", cache: "no-store" });
    if (!response.ok) throw new Error(t("settings.export_failed"));
    const named = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "");
    const file = await response.blob();
    const address = URL.createObjectURL(file);
    h("a", { href: address, download: named?.[1] ?? "caretier-export" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    byId("export-state").textContent = t("settings.export_made", { size: size(file.size) });
  } catch (problem) {
    byId("export-state").textContent = "";
    toastProblem({ message: t("settings.export_failed"), remedy: problem.remedy });
  }
}

function eraseDialog() {
  const field = byId("erase-word");
  const confirm = byId("erase-confirm");
  const typed = () => field.value.trim().toLowerCase() === t("settings.erase_word");
  field.addEventListener("input", () => {
    confirm.disabled = !typed();
  });
  byId("erase").addEventListener("click", () => {
    field.value = "";
    confirm.disabled = true;
    ask(byId("erase-dialog"), field);
  });
  confirm.addEventListener("click", async () => {
    if (!typed()) return;
    confirm.disabled = true;
    try {
      const { receipt } = await call("POST", "/api/erase", { confirm: "erase" });
      forgetAll();
      if (receipt) await showErased(receipt);
      location.assign("/unlock");
    } catch (problem) {
      byId("erase-dialog").close("");
      toastProblem(problem);
    }
  });
}

for (const link of document.querySelectorAll("[data-export]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    takeOut(link);
  });
}

byId("recovery").addEventListener("click", () => showRecovery().catch(toastProblem));
eraseDialog();
