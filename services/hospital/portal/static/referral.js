/** One referral: its parts, the reply, phrases, other experts, and the keys for all of them. */

import { byId } from "/static/caretier/dom.js";
import { keys } from "/static/caretier/keys.js";
import { drop } from "./keep.js";
import { start as startOpinions } from "./opinions.js";
import { start as startPanes } from "./panes.js";
import { Picker } from "./picker.js";
import { Reply } from "./reply.js";

const { id, state, user } = byId("referral").dataset;

function write() {
  const reply = new Reply(id, user);
  reply.start();
  const picker = document.getElementById("phrases") && new Picker((words) => reply.insert(words));
  startOpinions(id, () => reply.save());
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (button) reply.insert(button.dataset.insert);
  });
  document.getElementById("pick")?.addEventListener("click", () => picker.open());
  if (picker) keys({ ";": () => picker.open() });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog[open]")) return;
    const act = { Enter: () => reply.sign(), ".": () => picker?.open() }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

const go = (place) => () => document.getElementById(place)?.click();

if (state === "signed") drop(id);
// A note that has arrived is not given back to the next one.
if (document.getElementById("done")) ["handover", "snooze"].forEach((act) => drop(`${act}-${id}`));
keys({ "[": go("before"), "]": go("after") });
startPanes();
if (document.getElementById("reply-form")) write();
