/**
 * Builds elements from plain values. Text goes in as text nodes only, so that nothing that a
 * model, a record or another server wrote can become markup.
 */

// Beside this module, so of its version: a browser keeps it for good, an installed client too.
const SPRITE = new URL("./icons.svg", import.meta.url).pathname;
const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 * @param {string} name tag name
 * @param {Record<string, unknown>} [attributes] `class`, `data-*`, `aria-*`, …; `onclick` and the
 *   like take a function; null, undefined and false leave the attribute out, true sets it empty
 * @param {...(Node|string|number|null|undefined|false)} children
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) {
      if (typeof value !== "function") throw new TypeError(`${key} must be a function`);
      element.addEventListener(key.slice(2), value);
    } else {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat().filter((child) => child || child === 0));
  return element;
}

/** An icon of the sprite; decorative, so hidden from assistive technology. */
export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** Replace all children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child || child === 0));
  return element;
}

/** The element with this id; a missing one is a defect of the page, said plainly. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`page has no #${id}`);
  return element;
}

/** A web address only if it is http(s); sources come from elsewhere and are not trusted. */
export function safeUrl(text) {
  if (!text) return null;
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A random id, also where the page is not a secure context. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Empty-state block: icon, heading, sentence, optional action. */
export function empty(name, title, text, action = null) {
  return h("div", { class: "empty" }, icon(name), h("h2", {}, title), h("p", {}, text), action);
}

/** A banner with icon, optional title and body nodes; `kind`: info, urgent, ok, problem. */
export function banner(kind, title, ...body) {
  const sign = { ok: "check", info: "info" }[kind] ?? "alert";
  return h(
    "div",
    { class: `banner banner--${kind}`, role: kind === "problem" ? "alert" : null },
    icon(sign),
    h("div", { class: "banner__body" }, title && h("p", { class: "banner__title" }, title), ...body),
  );
}

/** The banner of a `Problem`: what happened, and what to do. */
export function problemBanner({ message, remedy }) {
  return banner("problem", message, remedy && h("p", {}, remedy));
}
