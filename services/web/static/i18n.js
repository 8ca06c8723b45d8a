/**
 * The words of the page, handed over by the server in `<meta name="strings">` as one JSON object,
 * and dates, sizes and numbers in the page's language.
 */

const strings = JSON.parse(document.querySelector('meta[name="strings"]')?.content || "{}");

/** Language of the page: "en" or "es". */
export const language = document.documentElement.lang || "en";

/**
 * A sentence of the catalogue. With `count`, the forms `key.one` and `key.other` are used.
 * @param {string} key
 * @param {Record<string, string|number>} [values] replacements for `{name}`
 */
export function t(key, values = {}) {
  let text = strings[key];
  if (text === undefined && "count" in values) {
    const form = values.count === 1 ? "one" : "other";
    text = strings[`${key}.${form}`];
  }
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether the catalogue knows a key. */
export function known(key) {
  return key in strings;
}

/**
 * ISO instant as date and time; a bare date stays a date, a month or year no more than that;
 * unreadable text is shown as it is.
 */
export function when(iso, style = "medium") {
  if (!iso || /^\d{4}$/.test(iso)) return iso ?? "";
  if (/^\d{4}-\d{2}$/.test(iso)) {
    return new Intl.DateTimeFormat(language, { year: "numeric", month: "long" }).format(new Date(`${iso}-15T12:00:00`));
  }
  const bare = /^\d{4}-\d{2}-\d{2}$/.test(iso);
  const moment = new Date(bare ? `${iso}T12:00:00` : iso);
  if (Number.isNaN(moment.getTime())) return iso;
  const options = bare ? { dateStyle: style } : { dateStyle: style, timeStyle: "short" };
  return new Intl.DateTimeFormat(language, options).format(moment);
}

/** Number of bytes in words: 412 bytes, 3.1 kB. */
export function size(bytes) {
  const large = bytes >= 1000;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: large ? "kilobyte" : "byte",
    unitDisplay: large ? "short" : "long",
    maximumFractionDigits: 1,
  }).format(large ? bytes / 1000 : bytes);
}
