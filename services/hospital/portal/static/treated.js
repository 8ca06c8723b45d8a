/**
 * Those whom one treats, narrowed by what is typed above them. Enter goes to the first that is left
 * and opens nothing by itself: whose chart it is has to be seen first.
 */

import { byId } from "/static/caretier/dom.js";

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
const field = byId("number");
const rows = [...byId("people").children];
const name = (row) => plain(row.querySelector(".listrow__title").textContent);
const left = () => rows.filter((row) => !row.hidden);

field.addEventListener("input", () => {
  const typed = plain(field.value);
  for (const row of rows) row.hidden = !name(row).includes(typed);
  const some = left().length > 0;
  byId("people-none").hidden = some;
  byId("people").hidden = !some;
});

byId("lookup").addEventListener("submit", (event) => {
  if (!left().length) return; // no name of the list: a number
  event.preventDefault();
  left()[0].querySelector("a").focus();
});
