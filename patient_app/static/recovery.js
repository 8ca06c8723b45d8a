/** The recovery code: shown, put on paper, one of its groups typed back; made anew and taken away. */

import { call } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { byId, fill, h, problemBanner } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";

const root = byId("code");
const typed = byId("code-typed");

/** One step of it is seen at a time. */
function at(step) {
  for (const part of root.querySelectorAll("[data-at]")) part.hidden = part.dataset.at !== step;
}

async function make() {
  const { groups, group } = await call("POST", "/api/recovery/code");
  fill(byId("code-groups"), ...groups.map((one) => h("li", {}, one)));
  const paper = `${t("recovery.paper", { name: root.dataset.name })}\n\n${groups.join("-")}\n`;
  byId("code-save").href = URL.createObjectURL(new Blob([paper], { type: "text/plain" }));
  document.querySelector('label[for="code-typed"]').textContent = t("recovery.typed", { number: group });
  at("paper");
  byId("code-groups").focus();
}

async function keep() {
  const now = document.getElementById("code-passphrase")?.value;
  await call("PUT", "/api/recovery/code", { typed: typed.value, ...(now && { now }) });
  fill(byId("code-groups"));
  at("done");
  byId("code-next").hidden = false;
  const skip = document.getElementById("code-skip");
  if (skip) skip.hidden = true;
  byId("code-done").focus();
}

/** Do it; what goes wrong is told at `place`. */
async function told(place, act) {
  fill(place);
  try {
    await act();
  } catch (problem) {
    fill(place, problemBanner(problem));
    place.scrollIntoView({ block: "nearest" });
  }
}

byId("code-make").addEventListener("click", () => told(byId("code-trouble"), make));
byId("code-print").addEventListener("click", () => print());
byId("code-written").addEventListener("click", () => {
  at("check");
  typed.focus();
});
byId("code-look").addEventListener("click", () => {
  at("paper");
  byId("code-groups").focus();
});
byId("code-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (root.ariaBusy === "true") return;
  root.ariaBusy = "true";
  await told(byId("code-problem"), keep);
  root.ariaBusy = "false";
});

const made = document.getElementById("code-made");
if (made) made.textContent = when(made.dateTime);

document.getElementById("code-remove")?.addEventListener("click", async () => {
  await ask(byId("remove-dialog"), byId("remove-passphrase"));
  byId("remove-form").reset();
  fill(byId("remove-problem"));
});
document.getElementById("remove-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  await told(byId("remove-problem"), async () => {
    await call("POST", "/api/recovery/code/remove", { now: byId("remove-passphrase").value });
    location.reload();
  });
});
