/**
 * Calls to the page's own server. Every call but GET carries the CSRF token; every failure becomes
 * a `Problem` with a sentence to show and a remedy. A lost session leads back to the sign-in page.
 */

import { t } from "./i18n.js";
import { events } from "./sse.js";

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

/** What went wrong, in words for a person; never carries what the person wrote. */
export class Problem extends Error {
  /** @param {{title?: string, detail?: string, remedy?: string, status?: number, type?: string}} document */
  constructor(document) {
    super(document.detail || document.title || t("problem.unknown"));
    this.name = "Problem";
    this.remedy = document.remedy ?? "";
    this.status = document.status ?? 0;
    this.type = document.type ?? "";
  }
}

async function refused(response) {
  let body = {};
  try {
    body = await response.json();
  } catch {
    /* Not a problem document: the status alone is told. */
  }
  const detail = typeof body.detail === "string" ? body.detail : undefined;
  const lost = response.status === 401 && meta("signin");
  if (lost) location.assign(meta("signin"));
  return new Problem({ ...body, detail, status: response.status });
}

async function reach(path, options) {
  const method = options.method ?? "GET";
  const headers = new Headers(options.headers);
  if (method !== "GET") headers.set("X-CSRF-Token", meta("csrf"));
  let response;
  try {
    response = await fetch(path, { ...options, headers, credentials: "same-origin", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ detail: t("problem.unreachable"), remedy: t("problem.unreachable_remedy") });
  }
  if (!response.ok) throw await refused(response);
  return response;
}

async function exchange(method, path, body) {
  const options = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = body;
  }
  const text = await (await reach(path, options)).text();
  return text ? JSON.parse(text) : null;
}

const underway = new Map();

/**
 * Call and read JSON. A call that changes something, made again while the same one is on its way (a
 * second press on a slow line), is that one.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] sent as JSON
 * @returns {Promise<any>} null for an empty reply
 */
export function call(method, path, body) {
  const said = JSON.stringify(body);
  if (method === "GET") return exchange(method, path, said);
  const name = [method, path, said].join(" ");
  if (!underway.has(name)) {
    underway.set(name, exchange(method, path, said).finally(() => underway.delete(name)));
  }
  return underway.get(name);
}

/** Read what a page asks for by itself, with nobody at it: no session is kept alive by that. */
export async function look(path) {
  const headers = { Accept: "application/json", "X-Caretier-Unasked": "1" };
  return (await reach(path, { headers })).json();
}

/** Send a body as it is (a file); reads JSON back. */
export async function upload(path, body, type) {
  const response = await reach(path, { method: "POST", headers: { "Content-Type": type }, body });
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/**
 * POST JSON and read server-sent events as they come.
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal} signal
 * @yields {{event: string, data: any}}
 */
export async function* stream(path, body, signal) {
  const response = await reach(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify(body),
    signal,
  });
  for await (const { event, data } of events(response.body)) {
    const value = JSON.parse(data);
    if (event === "problem") throw new Problem(value);
    yield { event, data: value };
  }
}
