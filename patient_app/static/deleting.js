/** Deleting an earlier question: in earnest only when the time to undo it is over, or the page goes. */

import { call } from "/static/caretier/api.js";
import { t } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { forget, kept, keepValue } from "./keep.js";

const UNDO_MS = 13000;
/** While somebody is at the way back, its time does not run out. */
const LOOK_MS = 1000;
const leaving = new Map();
const NAME = "deleting";

/** What is to be deleted, kept in this tab: the word of a page that goes may be lost. */
const listed = () => JSON.parse(kept(NAME) ?? "[]");

function note(ids) {
  if (ids.length > 0) keepValue(NAME, JSON.stringify(ids));
  else forget(NAME);
}

const done = (id) => note(listed().filter((one) => one !== id));

/** Delete what a page before this one had promised to, before any list is shown. */
export async function finish() {
  for (const id of listed()) {
    try {
      await deleteNow(id);
    } catch (problem) {
      if (problem.status === 404) done(id);
    }
  }
}

/** Delete for good now; `keepalive`: the page itself is going. */
async function deleteNow(id, keepalive = false) {
  clearTimeout(leaving.get(id));
  leaving.delete(id);
  const path = `/api/consults/${encodeURIComponent(id)}`;
  if (!keepalive) {
    await call("DELETE", path);
    done(id);
    return;
  }
  const csrf = document.querySelector('meta[name="csrf"]').content;
  await fetch(path, { method: "DELETE", headers: { "X-CSRF-Token": csrf }, keepalive: true });
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
    done(id);
    back();
  };
  const failed = (problem) => {
    undo();
    toastProblem(problem);
  };
  const told = toast(t("history.deleted"), "ok", { label: t("history.undo"), act: undo });
  const wait = (pause) => leaving.set(id, setTimeout(over, pause));
  const over = () => (told.isConnected ? wait(LOOK_MS) : deleteNow(id).catch(failed));
  note([...listed(), id]);
  wait(UNDO_MS);
}

window.addEventListener("pagehide", () => {
  for (const id of [...leaving.keys()]) deleteNow(id, true);
});
