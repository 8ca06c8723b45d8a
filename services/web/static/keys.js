/**
 * Keys that do something on a page, and the help that `?` opens (macro `ui.keyhelp`). Nothing
 * happens while somebody types, or where the person has switched shortcuts off (`#shortcuts`).
 */

import { ask } from "./dialog.js";

const PATIENCE_MS = 1200;
const bound = new Map();
let before = "";
let at = 0;

/**
 * Bind keys.
 * @param {Record<string, () => void>} keys by the key alone ("j"), or by two that are pressed one
 *   after the other ("g s")
 */
export function keys(keys) {
  for (const [key, act] of Object.entries(keys)) bound.set(key, act);
}

function listens(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.target.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]")) return false;
  if (document.querySelector("dialog[open]")) return false;
  return document.getElementById("shortcuts")?.checked ?? true;
}

function pressed(event) {
  if (!listens(event)) return;
  const both = Date.now() - at < PATIENCE_MS ? `${before} ${event.key}` : "";
  const act = bound.get(both) ?? bound.get(event.key);
  [before, at] = [event.key, Date.now()];
  if (!act) return;
  event.preventDefault();
  act();
}

const help = document.getElementById("keys");
if (help) keys({ "?": () => ask(help) });
addEventListener("keydown", pressed);
