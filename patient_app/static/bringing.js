/** Bringing in a record from a file, on the first day and later: one way of saying how it went. */

import { upload } from "/static/caretier/api.js";
import { banner, byId, fill, h, problemBanner } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toast } from "/static/caretier/toast.js";

const LARGEST_BYTES = 64 * 1024 * 1024;
const UNREADABLE = 422;

/** What was wrong with a file: in plain words, with the exact reason for whoever made it. */
function refused(problem) {
  if (problem.status !== UNREADABLE) return problemBanner(problem);
  const reason = h("details", { class: "small" }, h("summary", {}, t("record.exactly")), h("p", {}, problem.message));
  return banner("problem", t("record.not_taken"), h("p", {}, t("record.not_taken_do")), reason);
}

async function send(file) {
  const ndjson = file.name.toLowerCase().endsWith(".ndjson");
  const { imported } = await upload("/api/record", file, ndjson ? "application/fhir+ndjson" : "application/fhir+json");
  const words = t("record.imported", { count: imported });
  toast(words); // the form may have moved out of sight
  return banner("ok", words);
}

/**
 * Let the form `import-form` bring in a file.
 * @param {() => Promise<void>|void} [after] once it is in
 */
export function bringing(after = () => {}) {
  byId("import-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [file] = byId("file").files;
    if (!file) return;
    const result = byId("import-result");
    if (file.size > LARGEST_BYTES) {
      fill(result, banner("problem", t("record.too_large")));
      return;
    }
    byId("import-button").disabled = true;
    fill(result, h("p", { class: "status" }, h("span", { class: "spinner" }), t("record.importing")));
    try {
      fill(result, await send(file));
      event.target.reset();
      await after();
    } catch (problem) {
      fill(result, refused(problem));
    } finally {
      byId("import-button").disabled = false;
    }
  });
}
