/**
 * Forms with `data-keep`: what was typed stays in the tab until it is sent, so that a lost session
 * loses nothing. It is given back only where the page brings nothing newer.
 */

import { toast } from "/static/caretier/toast.js";
import { drop, keep, kept } from "./keep.js";

function said(form) {
  const fields = [...form.querySelectorAll("textarea[name], input[type=text][name]")];
  return { fields, text: JSON.stringify(fields.map((one) => one.value)) };
}

for (const form of document.querySelectorAll("form[data-keep]")) {
  const { keep: name, user, made } = form.dataset;
  const { fields, text } = said(form);
  // What was kept under the name of a new one has arrived when it stands here.
  if (made && kept(made, user)?.text === text) drop(made);
  const entry = kept(name, user);
  if (entry && entry.text !== text) {
    const values = JSON.parse(entry.text);
    fields.forEach((one, index) => (one.value = values[index] ?? one.value));
    toast(form.dataset.restored);
  } else {
    drop(name);
  }
  form.addEventListener("input", () => keep(name, { user, version: 0, text: said(form).text }));
}
