/** What one may ask to begin with: examples, or what this person may want to know. */

import { call } from "/static/caretier/api.js";
import { byId, fill, h } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { begun } from "./composer.js";

/** What this person may want to ask takes the place of the examples; without any they stay. */
export async function suggest() {
  const { suggestions } = await call("GET", "/api/personal/suggestions");
  if (!suggestions.length) return;
  const list = byId("welcome").querySelector(".starters");
  list.setAttribute("aria-label", t("ask.suggestions"));
  const starter = ({ question }) =>
    h("li", {}, h("button", { class: "starter", type: "button", "data-starter": "" }, question));
  fill(list, ...suggestions.map(starter));
}

byId("welcome").addEventListener("click", (event) => {
  const starter = event.target.closest("[data-starter]");
  if (starter) begun(starter.textContent);
});
