/** What the person prepares for visits: the list, a new one, and what they want to ask there. */

import { call } from "/static/caretier/api.js";
import { byId, empty, fill, h, icon, problemBanner } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";
import { toastProblem } from "/static/caretier/toast.js";
import { forget, keepField } from "./keep.js";
import { undoable } from "./undo.js";
import { Preparation } from "./visit.js";

const STATUS = { completed: "ok", "in-progress": "info" };

/** The country of the person, and the connected records; nothing can be sent while those are not told. */
async function around() {
  const [{ country }, { connections: places }] = await Promise.all([
    call("GET", "/api/profile").catch(() => ({ country: "US" })),
    call("GET", "/api/connections").catch(() => ({ connections: [] })),
  ]);
  return { country, places };
}

function leave() {
  byId("visit").hidden = true;
  byId("overview").hidden = false;
  history.replaceState(null, "", "/visits");
  refresh();
}

/** One at a time: a second press, while the first is on its way, prepares no second visit. */
let opening = false;

async function openBy(method, path, body) {
  if (opening) return;
  opening = true;
  try {
    await open(await call(method, path, body));
  } catch (problem) {
    toastProblem(problem);
  } finally {
    opening = false;
  }
}

async function open(draft) {
  const here = await around();
  byId("overview").hidden = true;
  byId("visit").hidden = false;
  history.replaceState(null, "", `#${draft.response.id}`);
  new Preparation(byId("visit"), draft, here, leave).show();
}

async function remove(draft) {
  const { response } = await call("GET", `/api/visits/${draft.id}`);
  show(await call("DELETE", `/api/visits/${draft.id}`));
  const again = async () => {
    const made = await call("POST", "/api/visits", { form: response.questionnaire.split("|")[0].split(":").pop() });
    await call("PUT", `/api/visits/${made.response.id}`, { items: response.item ?? [] });
    refresh();
  };
  undoable(t("visits.deleted"), t("visits.undo"), () => again().catch(toastProblem));
}

function draftRow(draft) {
  const openIt = () => openBy("GET", `/api/visits/${draft.id}`);
  const done = draft.status === "completed";
  return h(
    "li",
    { class: "row row--between" },
    h("div", { class: "grow" }, h("strong", {}, draft.title), " ", h("span", { class: `badge badge--${STATUS[draft.status]}` }, t(done ? "visits.status_done" : "visits.status_open")), h("p", { class: "soft small" }, when(draft.changed))),
    h("button", { class: "button button--small", type: "button", "aria-label": `${t(done ? "visits.look" : "visits.go_on")}: ${draft.title}`, onclick: openIt }, t(done ? "visits.look" : "visits.go_on")),
    h("button", { class: "button button--small button--quiet", type: "button", "aria-label": `${t("visits.delete")}: ${draft.title}`, onclick: () => remove(draft).catch(toastProblem) }, icon("trash"), t("visits.delete")),
  );
}

function questionRow(one) {
  const take = async () => {
    show(await call("DELETE", `/api/visit-questions/${one.id}`));
    undoable(t("visits.question_gone"), t("visits.undo"), () => call("POST", "/api/visit-questions", { text: one.text }).then(show, toastProblem));
  };
  return h("li", { class: "row row--between" }, h("span", { class: "grow" }, one.text), h("button", { class: "button button--small button--quiet noprint", type: "button", "aria-label": `${t("visits.delete")}: ${one.text}`, onclick: () => take().catch(toastProblem) }, icon("trash"), t("visits.delete")));
}

function show(state) {
  const begin = (form) => h("button", { class: "button", type: "button", onclick: () => openBy("POST", "/api/visits", { form: form.name }) }, icon("plus"), form.title);
  fill(byId("forms"), ...state.forms.map(begin));
  const none = empty("edit", t("visits.empty_title"), t("visits.empty"));
  fill(byId("drafts"), state.drafts.length ? h("ul", { class: "list" }, ...state.drafts.map(draftRow)) : none);
  fill(byId("questions"), state.questions.length ? h("ul", { class: "list" }, ...state.questions.map(questionRow)) : h("p", { class: "soft" }, t("visits.no_questions")));
}

function missing(problem) {
  fill(byId("drafts"), problemBanner(problem));
  fill(byId("questions"));
}

const refresh = () => call("GET", "/api/visits").then(show, missing);

byId("question-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = byId("question-text").value.trim();
  if (!text) return;
  try {
    show(await call("POST", "/api/visit-questions", { text }));
    event.target.reset();
    forget("visit-question");
  } catch (problem) {
    toastProblem(problem);
  }
});

keepField("visit-question", byId("question-text"));

async function start() {
  await refresh();
  const asked = decodeURIComponent(location.hash.slice(1));
  if (asked) await call("GET", `/api/visits/${encodeURIComponent(asked)}`).then(open, leave);
}

start();
