/** Earlier consults: searched in the page, opened in place, followed while they wait. */

import { call } from "/static/caretier/api.js";
import { byId, empty, fill, h, icon, problemBanner } from "/static/caretier/dom.js";
import { t, when } from "/static/caretier/i18n.js";
import { whole } from "./answer.js";
import { revealSource } from "./citations.js";
import { resume } from "./conversation.js";
import { deleteLater, finish } from "./deleting.js";
import { follow, offerCard, previewAndSend, waiting } from "./offer.js";
import { judgeable, signalBar } from "./signal.js";
import { tools } from "./tools.js";
import { triageBanner } from "./triage.js";

const KIND = { answered: "ok", referred: "info", queued: "warn", abstained: "routine", emergency: "emergency" };
const page = { consults: [], country: "US" };

function badge(status) {
  return h("span", { class: `badge badge--${KIND[status] ?? "info"}` }, t(`status.${status}`));
}

function actions(consult, refresh) {
  const { offer, disclosure } = consult.answer;
  if (!offer || disclosure?.receipt) return [];
  const open = async () => {
    const fresh = await call("POST", "/api/preview", { text: consult.question, consult: consult.id });
    const sent = await previewAndSend(fresh);
    if (sent) refresh(sent);
  };
  return [offerCard(offer.reason, open)];
}

/** Taken out of the list at once, deleted when the time to undo it is over. */
function remove(consult) {
  const at = page.consults.indexOf(consult);
  const back = () => {
    page.consults.splice(at, 0, consult);
    list();
    document.getElementById(`q-${consult.id}`)?.querySelector("summary").focus();
  };
  page.consults.splice(at, 1);
  list();
  deleteLater(consult.id, back);
}

/** Go on with the conversation that a question belongs to, or delete the question. */
function ways(consult) {
  const on = h("button", { class: "button button--small", type: "button" }, icon("ask"), t("history.go_on"));
  on.addEventListener("click", () => {
    resume(consult.conversation);
    location.assign("/");
  });
  const away = h("button", { class: "button button--quiet button--small", type: "button" }, icon("trash"), t("history.delete"));
  away.addEventListener("click", () => remove(consult));
  const free = !waiting(consult.answer);
  return h("div", { class: "row noprint" }, consult.conversation && on, free && away);
}

function entry(consult) {
  const mark = h("span", {}, badge(consult.answer.status));
  const body = h("div", { class: "consult__body stack" });
  const draw = (answer) => {
    consult.answer = answer;
    fill(mark, badge(answer.status));
    const below = actions(consult, draw);
    if (judgeable(answer)) below.push(signalBar(consult.id, consult.signal), tools(consult.question, answer));
    fill(body, triageBanner(answer.triage, page.country), whole(answer, { actions: below }), ways(consult));
  };
  const details = h(
    "details",
    { class: "consult", id: `q-${consult.id}` },
    h(
      "summary",
      {},
      icon("chevron"),
      h(
        "span",
        { class: "listrow__text" },
        h("span", { class: "listrow__title" }, consult.question),
        h("span", { class: "listrow__meta" }, when(consult.asked)),
      ),
      mark,
    ),
    body,
  );
  details.addEventListener("toggle", () => {
    if (details.open && !body.hasChildNodes()) draw(consult.answer);
  });
  if (waiting(consult.answer)) follow(consult.id, consult.answer, draw, () => details.isConnected);
  return details;
}

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function list() {
  const place = byId("consults");
  const wanted = plain(byId("search").value.trim());
  const found = page.consults.filter((consult) => plain(consult.question).includes(wanted));
  if (!page.consults.length) {
    const ask = h("a", { class: "button button--primary", href: "/" }, t("history.ask"));
    fill(place, empty("history", t("history.empty_title"), t("history.empty"), ask));
  } else if (!found.length) {
    fill(place, empty("search", t("history.none_title"), t("history.none")));
  } else {
    fill(place, h("div", { class: "card card--flush" }, ...found.map(entry)));
  }
}

function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) {
    named.open = true;
    named.scrollIntoView({ block: "start" });
  }
}

async function start() {
  try {
    await finish();
    const [{ consults }, profile] = await Promise.all([call("GET", "/api/consults"), call("GET", "/api/profile")]);
    page.country = profile.country ?? page.country;
    page.consults = consults.toSorted((left, right) => right.asked.localeCompare(left.asked));
    list();
    openNamed();
  } catch (problem) {
    fill(byId("consults"), problemBanner(problem));
  }
}

byId("consults").addEventListener("click", (event) => {
  const mark = event.target.closest(".cite");
  if (mark) revealSource(mark);
});

byId("search").addEventListener("input", list);
window.addEventListener("hashchange", openNamed);
start();
