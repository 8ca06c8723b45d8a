/**
 * Telephone numbers to offer. The advice of triage comes first: a number that it names is the one
 * to call. Else the country's own, else 112, which GSM phones put through in most places.
 */

/** Emergency number by country (ISO 3166-1 alpha-2). */
const BY_COUNTRY = {
  US: "911", CA: "911", MX: "911", AR: "911", CO: "123", CL: "131", PE: "106", EC: "911",
  GB: "999", IE: "112", ES: "112", FR: "112", DE: "112", IT: "112", PT: "112", NL: "112",
  BE: "112", AT: "112", CH: "112", SE: "112", DK: "112", NO: "112", FI: "112", PL: "112",
  AU: "000", NZ: "111", IN: "112", ZA: "112", PR: "911", DO: "911", CR: "911", PA: "911",
  UY: "911", PY: "911", HN: "911", SV: "911", NI: "128", GT: "128", BO: "118", VE: "911",
};

const EMERGENCY = /(?<![\d-])(911|999|112|000|111|123|131|106|128|118)(?![\d-])(?! (?:mg|ml|mcg|units|bpm|kg))/;
const LINES = /(?<![\d-])(988|024|1-800-222-1222|116 123|800 911 2000)(?![\d-])/g;

/** Emergency number of a country. */
export function countryNumber(country) {
  return BY_COUNTRY[country] ?? "112";
}

/**
 * Numbers to offer as call buttons, most important first.
 * @param {string|null|undefined} advice words of triage
 * @param {string} country
 * @returns {string[]}
 */
export function numbers(advice, country) {
  const text = advice ?? "";
  const lines = [...text.matchAll(LINES)].map((match) => match[1]);
  const without = lines.reduce((rest, line) => rest.replaceAll(line, ""), text);
  const first = EMERGENCY.exec(without)?.[1] ?? countryNumber(country);
  return [first, ...new Set(lines)];
}

/** `tel:` address of a number as it is written. */
export function tel(number) {
  return `tel:${number.replace(/[^\d+]/g, "")}`;
}

/** Countries whose number is known here, as ISO 3166-1 alpha-2. */
export const COUNTRIES = Object.keys(BY_COUNTRY);
