/** Asking other experts: who has answered, stopping, and the page with what they said. */

import { stream } from "/static/caretier/api.js";
import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";

let asking = null;

function progress(done, all) {
  byId("asking-text").textContent = t("opinions.progress", { done, all });
  byId("asking").querySelector("progress").value = done;
}

function mark(by, text) {
  const place = byId("asking").querySelector(`[data-expert="${CSS.escape(by)}"] [data-state]`);
  if (place) place.textContent = text;
}

async function follow(form, id) {
  const all = Number(form.dataset.experts);
  let done = 0;
  progress(0, all);
  for await (const { event, data } of stream(`/portal/api/referrals/${id}/opinions`, {}, asking.signal)) {
    if (event === "began") {
      mark(data.by, t("opinions.answering"));
    } else if (event === "opinion") {
      mark(data.by, t(`opinions.outcome.${data.outcome}`));
      done += 1;
      progress(done, all);
    } else if (event === "round") {
      return true;
    }
  }
  return false;
}

/**
 * Bring the button to life.
 * @param {string} id of the referral
 * @param {() => Promise<unknown>} save called before the page is loaded again
 */
export function start(id, save) {
  const form = document.getElementById("ask-experts");
  if (!form) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    asking = new AbortController();
    form.hidden = true;
    byId("asking").hidden = false;
    byId("stop-asking").focus();
    try {
      if (await follow(form, id)) {
        await save();
        location.hash = "opinions";
        location.reload();
        return;
      }
    } catch (problem) {
      if (problem.name === "AbortError") toast(t("opinions.stopped"));
      else toastProblem(problem);
    }
    form.hidden = false;
    byId("asking").hidden = true;
    form.querySelector("button").focus();
  });
  addEventListener("pagehide", () => asking?.abort());
  byId("stop-asking").addEventListener("click", () => asking?.abort());
}
