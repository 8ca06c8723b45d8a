/** Records at other servers: connect, how the reading goes, read again, disconnect. */

import { call, look } from "/static/caretier/api.js";
import { banner, byId, fill, h, icon } from "/static/caretier/dom.js";
import { known, t, when } from "/static/caretier/i18n.js";

const POLL_MS = 1000;
const BROUGHT = ["state", "code", "error", "iss"];
const asking = new Set();
let wasBusy = false;

function say(kind, title, text) {
  fill(byId("connect-result"), banner(kind, title, text && h("p", {}, text)));
}

function failed(problem) {
  say("problem", problem.message, problem.remedy);
}

async function attempt(action) {
  try {
    await action();
  } catch (problem) {
    failed(problem);
  }
  await show();
}

function button(label, name, action, extra = "") {
  return h("button", { class: `button button--small ${extra}`.trim(), type: "button", onclick: action }, icon(name), label);
}

function begin(place) {
  return attempt(async () => {
    fill(byId("connect-result"), h("p", { class: "status" }, h("span", { class: "spinner" }), t("connect.leaving")));
    const { url } = await call("POST", `/api/connections/${place.id}`);
    location.assign(url);
  });
}

/** A reading begins; it may be over before anybody looks. */
async function read(path, body) {
  await call("POST", path, body);
  wasBusy = true;
}

function end(place, keep) {
  return attempt(async () => {
    await call("POST", `/api/connections/${place.id}/disconnect`, { keep });
    asking.delete(place.id);
    say("ok", t("connect.ended"));
    document.dispatchEvent(new Event("record-changed"));
  });
}

function question(place) {
  return h(
    "div",
    { class: "stack stack--s" },
    banner("info", t("connect.end_title", { name: place.name }), h("p", {}, t("connect.end_text"))),
    button(t("connect.end_keep"), "check", () => end(place, true)),
    button(t("connect.end_remove"), "trash", () => end(place, false)),
    button(t("connect.stay"), "chevron", () => { asking.delete(place.id); show(); }, "button--quiet"),
  );
}

function progress({ step = 0, steps = 1, kind }) {
  const name = kind ? `record.${kind.toLowerCase()}` : "";
  const words = kind ? t("connect.reading", { kind: known(name) ? t(name) : kind }) : t("connect.waiting");
  return h(
    "div",
    { class: "stack stack--s" },
    h("p", { class: "status" }, h("span", { class: "spinner" }), words),
    h("progress", { max: steps, value: step, "aria-label": words }),
  );
}

function state(place) {
  if (place.busy) return [progress(place.progress)];
  const told = place.problem && banner("problem", place.problem.message, h("p", {}, place.problem.remedy));
  if (!place.connected) return [told, button(t("connect.begin"), "external", () => begin(place), "button--primary")];
  if (asking.has(place.id)) return [question(place)];
  const last = place.read ? t("connect.last", { time: when(place.read) }) : t("connect.never");
  return [
    told,
    h("p", {}, t("connect.connected", { count: place.count })),
    h("p", { class: "soft small" }, last),
    place.failures.length > 0 && h(
      "details",
      { class: "small" },
      h("summary", {}, t("connect.partly", { count: place.failures.length })),
      h("ul", {}, ...place.failures.map((line) => h("li", { class: "mono" }, line))),
    ),
    h(
      "div",
      { class: "row row--start" },
      button(t("connect.again"), "refresh", () => attempt(() => read(`/api/connections/${place.id}/read`))),
      button(t("connect.end"), "close", () => { asking.add(place.id); show(); }, "button--quiet"),
    ),
  ];
}

function line(place) {
  const head = h("div", {}, h("strong", {}, place.name), h("div", { class: "soft small mono wrap" }, place.address));
  return h("li", { class: "stack stack--s" }, head, ...state(place).filter(Boolean));
}

async function show() {
  const { connections } = await look("/api/connections");
  byId("connect").hidden = connections.length === 0;
  fill(byId("connections"), ...connections.map(line));
  const busy = connections.some((place) => place.busy);
  if (wasBusy && !busy) document.dispatchEvent(new Event("record-changed"));
  wasBusy = busy;
  if (busy) setTimeout(() => show().catch(failed), POLL_MS);
}

async function comeBack() {
  const query = new URLSearchParams(location.search);
  if (!query.has("state")) return;
  history.replaceState(null, "", "/record");
  const body = {};
  for (const name of BROUGHT) if (query.get(name)) body[name] = query.get(name);
  await read("/api/connections/back/answer", body);
}

attempt(comeBack);
