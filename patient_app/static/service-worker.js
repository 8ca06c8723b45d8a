/**
 * Keeps the shell of the client, by version, so that it opens without the device's program. The
 * server writes `self.SHELL` before this text: version, files, and the offline page by language.
 *
 * Kept: files of the design, and pages that know nobody. Never kept: replies of the API, and any
 * page behind a session; those requests are not even looked at.
 */

const PREFIX = "caretier-shell-";
const NAME = PREFIX + self.SHELL.version;
const LANGUAGE = "/offline/language";
const KEPT = new Set([...self.SHELL.files, ...Object.values(self.SHELL.offline)]);

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll([...KEPT])));
});

async function forgetOlder() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

self.addEventListener("activate", (event) => event.waitUntil(forgetOlder()));

/** The page says when to change over, and in which language the person reads. */
self.addEventListener("message", (event) => {
  const { kind, language } = event.data ?? {};
  if (kind === "update") self.skipWaiting();
  if (kind === "language" && language in self.SHELL.offline) {
    event.waitUntil(caches.open(NAME).then((cache) => cache.put(LANGUAGE, new Response(language))));
  }
});

async function offlinePage() {
  const cache = await caches.open(NAME);
  const said = await (await cache.match(LANGUAGE))?.text();
  const language = said ?? (self.navigator.language.startsWith("es") ? "es" : "en");
  return (await cache.match(self.SHELL.offline[language])) ?? Response.error();
}

/** The network always comes first for a page; what it sends is passed on and not kept. */
async function page(request) {
  try {
    return await fetch(request);
  } catch {
    return offlinePage();
  }
}

async function file(request) {
  const cache = await caches.open(NAME);
  return (await cache.match(request)) ?? fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && !url.pathname.startsWith("/api/")) event.respondWith(page(request));
  else if (KEPT.has(url.pathname) && !url.search) event.respondWith(file(request));
});

/** A notification leads to the medicines: to the page that rang, or to a new one. */
async function toMedicines() {
  const pages = await self.clients.matchAll({ type: "window" });
  const rang = pages.find((one) => new URL(one.url).pathname === "/medicines");
  return rang ? rang.focus() : self.clients.openWindow("/medicines");
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(toMedicines());
});
