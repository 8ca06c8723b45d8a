/** Taking, giving back, handing over and snoozing from the list, each with its undo. */

import { call } from "/static/caretier/api.js";
import { ask } from "/static/caretier/dialog.js";
import { h } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";
import { toast, toastProblem } from "/static/caretier/toast.js";
import { refresh } from "./worklist_news.js";
import { idOf, picked, untick } from "./worklist_rows.js";

let last = null;
let turn = Promise.resolve();
const held = new Set();

/** One after the other, however slow the line: what is undone is what was done last. */
const inTurn = (work) => (turn = turn.then(work, work));

const dialogOf = (act) => document.getElementById(act);

async function colleagues(select) {
  if (select.options.length > 1) return;
  const found = await call("GET", "/portal/api/colleagues");
  if (select.options.length > 1) return; // two keys asked at once
  select.append(...found.map(({ id, name }) => h("option", { value: id }, name)));
}

/** What a dialog was filled in with; null when it was dismissed. */
async function filled(act, count, urgent) {
  const dialog = dialogOf(act);
  const words = [t("worklist.which", { count }), urgent ? t("worklist.cannot_wait", { count: urgent }) : ""];
  dialog.querySelector("[data-which]").textContent = words.filter(Boolean).join(". ");
  if (act === "handover") await colleagues(dialog.querySelector("select"));
  const first = dialog.querySelector("select, [type=radio]:checked");
  if ((await ask(dialog, first)) !== "go") return null;
  const said = { note: dialog.querySelector("textarea").value };
  if (act === "handover") return { ...said, to: dialog.querySelector("select").value };
  return {
    ...said,
    choice: dialog.querySelector("[type=radio]:checked").value,
    own: dialog.querySelector("[type=datetime-local]").value,
    offset: String(new Date().getTimezoneOffset()),
  };
}

function empty(act) {
  for (const field of dialogOf(act)?.querySelectorAll("textarea, select") ?? []) field.value = "";
}

function said(act, done) {
  const count = Object.keys(done.versions).length;
  const refused = Object.values(done.refused);
  const words = [
    count ? t(`worklist.did.${act}`, { count }) : "",
    refused.length === 1 ? refused[0].what : "",
    refused.length > 1 ? t("worklist.left", { count: refused.length }) : "",
  ];
  return words.filter(Boolean).join(" ");
}

async function takeBack() {
  if (!last) return;
  const batch = last;
  last = null;
  try {
    const done = await call("POST", "/portal/api/worklist/undo", { batch });
    toast(said("undo", done));
    await refresh();
  } catch (problem) {
    toastProblem(problem);
  }
}

/** Undo what was done last. */
export const undo = () => inTurn(takeBack);

async function send(name, chosen, body) {
  const done = await call("POST", `/portal/api/worklist/${name}`, body);
  const any = Object.keys(done.versions).length > 0;
  last = any ? done.batch : null;
  toast(said(name, done), any ? "ok" : "problem", any ? { label: t("worklist.undo"), act: undo } : null);
  if (any) [untick(chosen), empty(name)];
  await refresh();
}

/** Do something with the ticked rows, or with the one that a person is at; once for each at a time. */
export async function act(name) {
  const standing = picked().filter((row) => row.dataset.version !== "gone");
  const able = name === "snooze" ? standing.filter((row) => !row.querySelector(".inboxrow--emergency")) : standing;
  const urgent = standing.length - able.length;
  if (!able.length) return toast(urgent ? t("worklist.none_can_wait") : t("worklist.ticked_none"), "problem");
  const chosen = able.filter((row) => !held.has(row));
  if (!chosen.length) return;
  const rows = chosen.map((row) => ({ id: idOf(row), version: Number(row.dataset.version) }));
  for (const row of chosen) held.add(row);
  try {
    const more = dialogOf(name) ? await filled(name, chosen.length, urgent) : {};
    if (more) await inTurn(() => send(name, chosen, { rows, ...more }));
  } catch (problem) {
    toastProblem(problem);
  } finally {
    for (const row of chosen) held.delete(row);
  }
}
