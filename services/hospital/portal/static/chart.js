/** Keys of a chart: "g" and then the letter of one of its parts. */

import { keys } from "/static/caretier/keys.js";

const chart = document.querySelector("[data-chart]")?.dataset.chart;
const parts = { s: "", t: "/trends", l: "/timeline", d: "/documents", a: "/ask" };

if (chart) {
  keys(
    Object.fromEntries(
      Object.entries(parts).map(([key, path]) => [`g ${key}`, () => location.assign(chart + path)]),
    ),
  );
}
