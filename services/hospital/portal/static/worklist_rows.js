/** The rows of the worklist: which one a person is at, which are ticked, and marking what changed. */

import { byId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";

const list = byId("rows");
const show = byId("desk").dataset.show;

/** Every row, in order. */
export const rows = () => [...list.querySelectorAll(".work")];

/** The row that holds the focus, or null. */
export const current = () => document.activeElement?.closest?.(".work") ?? null;

/** The id of a row's referral. */
export const idOf = (row) => row.id.slice("r-".length);

const box = (row) => row.querySelector('input[name="row"]');

/** The ticked rows; without any, the one that a person is at. */
export function picked() {
  const ticked = rows().filter((row) => box(row)?.checked);
  if (ticked.length) return ticked;
  const here = current();
  return here ? [here] : [];
}

/** Go so many rows on; from outside the list to its first row. */
export function move(step) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
  next?.querySelector("a.inboxrow").focus();
}

/** Tick or untick the row that a person is at. */
export function tick() {
  const here = current();
  if (!here || !box(here) || box(here).disabled) return;
  box(here).checked = !box(here).checked;
  tell();
}

/** Untick rows. */
export function untick(those) {
  for (const row of those) if (box(row)) box(row).checked = false;
  tell();
}

/** Say how many are ticked. */
export function tell() {
  const said = document.getElementById("ticked");
  if (!said) return;
  const count = rows().filter((row) => box(row)?.checked).length;
  said.textContent = count ? t("worklist.ticked", { count }) : t("worklist.ticked_none");
}

/** Where a referral is now, in words, and whether it still belongs on this list. */
function standing(now) {
  if (!now) return [t("worklist.gone"), true];
  const name = now.holder || t("worklist.somebody");
  if (now.state === "signed") return [t("worklist.now_signed", { name }), show !== "signed"];
  if (now.snoozed !== (show === "snoozed")) {
    const words = now.snoozed ? t("worklist.now_snoozed") : t("worklist.did.wake.one");
    return [words, true];
  }
  const gone = (show === "nobody" && now.held !== "nobody") || (show === "mine" && now.held !== "mine");
  if (now.held === "mine") return [t("worklist.now_mine"), gone];
  return [now.held === "other" ? t("worklist.now_with", { name }) : t("inbox.nobody"), gone];
}

/** Mark a row in place, where it changed; `now` is null for one that is no longer there. */
export function mark(row, now) {
  const version = now ? String(now.version) : "gone";
  if (row.dataset.version === version) return;
  const [words, gone] = standing(now);
  row.dataset.version = version;
  row.dataset.held = now?.held ?? "";
  row.querySelector("[data-holder]").textContent = words;
  row.classList.add("work--changed");
  row.classList.toggle("work--gone", gone);
  if (!box(row)) return;
  box(row).value = `${idOf(row)}.${version}`;
  box(row).disabled = !now || now.state === "signed";
  if (box(row).disabled) box(row).checked = false;
  tell();
}
