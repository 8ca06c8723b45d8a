/** Deleting an earlier question: in earnest only when the time to undo it is over, or the page goes. */

import { call } from "/static/caretier/api.js";
import { t } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";

const UNDO_MS = 13000;
/** While somebody is at the way back, its time does not run out. */
const LOOK_MS = 1000;
const leaving = new Map();

/** Delete for good now; `keepalive`: the page itself is going. */
function deleteNow(id, keepalive = false) {
  clearTimeout(leaving.get(id));
  leaving.delete(id);
  const path = `/api/consults/${encodeURIComponent(id)}`;
  if (!keepalive) return call("DELETE", path);
  const csrf = document.querySelector('meta[name="csrf"]').content;
  return fetch(path, { method: "DELETE", headers: { "X-CSRF-Token": csrf }, keepalive: true });
}

/**
 * Delete a question when nobody undid it.
 * @param {string} id of the consult
 * @param {() => void} back puts it back into the list: it was undone, or could not be deleted
 */
export function deleteLater(id, back) {
  const undo = () => {
    clearTimeout(leaving.get(id));
    leaving.delete(id);
    back();
  };
  const failed = (problem) => {
    undo();
    toastProblem(problem);
  };
  const told = toast(t("history.deleted"), "ok", { label: t("history.undo"), act: undo });
  const wait = (pause) => leaving.set(id, setTimeout(over, pause));
  const over = () => (told.isConnected ? wait(LOOK_MS) : deleteNow(id).catch(failed));
  wait(UNDO_MS);
}

window.addEventListener("pagehide", () => {
  for (const id of [...leaving.keys()]) deleteNow(id, true);
});
