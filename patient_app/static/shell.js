/**
 * What makes the pages an app: the service worker, the offer to install it, the word that a new
 * version is there, and the bar that says when the device's program cannot be reached.
 */

import { h, icon } from "/static/caretier/dom.js";
import { language, t } from "/static/caretier/i18n.js";
import "/static/caretier/once.js";
import "./keep.js"; // on every page: to lock wipes what was typed, wherever one locks

const ALIVE = "/healthz";
const LOOK_MS = 5000;

function bar(id, sign, words, action) {
  document.getElementById(id)?.remove();
  const element = h("div", { class: "shellbar noprint", id, role: "status" }, icon(sign), h("span", { class: "grow" }, words), action);
  document.getElementById("main").before(element);
  return element;
}

/** A new version waits: the person changes over; what is typed is kept by the page itself. */
function offerUpdate(worker) {
  const button = h("button", { class: "button button--small", type: "button", id: "update" }, t("shell.reload"));
  button.addEventListener("click", () => {
    window.dispatchEvent(new CustomEvent("caretier:keep"));
    worker.postMessage({ kind: "update" });
  });
  bar("updatebar", "refresh", t("shell.update"), button);
}

function watch(registration) {
  if (registration.waiting && navigator.serviceWorker.controller) offerUpdate(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => {
      if (worker.state === "installed" && navigator.serviceWorker.controller) offerUpdate(worker);
    });
  });
}

async function install() {
  if (!("serviceWorker" in navigator)) return;
  let controlled = Boolean(navigator.serviceWorker.controller);
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (controlled) location.reload(); // the first worker of all only takes over what is there
    controlled = true;
  });
  const registration = await navigator.serviceWorker.register("/service-worker.js", { scope: "/" });
  if (!registration) return;
  watch(registration);
  const { active } = await navigator.serviceWorker.ready;
  active?.postMessage({ kind: "language", language });
}

const alive = () => fetch(ALIVE, { cache: "no-store" }).then((reply) => reply.ok, () => false);
const pause = () => new Promise((resolve) => setTimeout(resolve, LOOK_MS));

/** Shown while the device's program does not answer; what is typed stays where it is. */
async function unreachable() {
  if (document.getElementById("offlinebar") || (await alive())) return;
  const element = bar("offlinebar", "alert", `${t("shell.offline")} ${t("shell.offline_what")}`);
  do await pause();
  while (!(await alive()));
  element.remove();
}

/** Without a network the device still answers; only the clinic has to wait. */
async function network() {
  document.getElementById("networkbar")?.remove();
  await unreachable();
  if (!navigator.onLine) bar("networkbar", "info", t("shell.no_network"));
}

/** The browser says whether the client can be installed; only then there is a button. */
window.addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  const button = document.getElementById("install");
  if (!button) return;
  button.hidden = false;
  button.onclick = async () => {
    await event.prompt();
    button.hidden = true;
  };
});

window.addEventListener("offline", network);
window.addEventListener("online", network);
window.addEventListener("caretier:unreachable", unreachable);
install().catch(() => {}); // without it the client works all the same, only not offline
