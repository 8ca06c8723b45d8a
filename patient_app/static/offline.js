/** The page without a server: the numbers of a country, and a look now and then for the program. */

import { byId } from "/static/caretier/dom.js";
import { countryNumber, tel } from "./emergency.js";

const LOOK_MS = 5000;
const lines = JSON.parse(byId("flags").dataset.lines);
const country = byId("country");

/** The region of the browser's language, where it is one that has numbers here. */
function guess() {
  const regions = navigator.languages.map((tag) => tag.split("-")[1]);
  return regions.find((region) => region in lines) ?? "other";
}

function show() {
  const said = lines[country.value] ?? lines.other;
  for (const place of document.querySelectorAll("[data-line]")) place.textContent = said[place.dataset.line];
  const number = countryNumber(country.value);
  byId("call").href = tel(number);
  byId("call-number").textContent = number;
}

async function look() {
  const reply = await fetch("/healthz", { cache: "no-store" }).catch(() => null);
  if (reply?.ok && location.pathname !== "/offline") location.reload();
}

country.value = guess();
country.addEventListener("change", show);
byId("again").addEventListener("click", () => location.reload());
window.addEventListener("online", look);
setInterval(look, LOOK_MS);
show();
