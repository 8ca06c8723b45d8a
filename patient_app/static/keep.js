/**
 * Keeps what a person types, so that a reload, a lost session or an error loses no word of it. It is
 * held in this tab alone, under the person's own id, and wiped when the record is locked, and when
 * another person's page opens in the tab.
 */

const PREFIX = "caretier-draft:";
const person = document.querySelector('meta[name="person"]')?.content ?? "";
const mine = `${PREFIX}${person}:`;

function wipe(wanted) {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(PREFIX) && wanted(key)) sessionStorage.removeItem(key);
  }
}

/** Forget every draft of this tab. */
export function forgetAll() {
  wipe(() => true);
}

/** Forget one draft: it was sent. */
export function forget(name) {
  sessionStorage.removeItem(mine + name);
}

/** Keep a value that is no text of the person's, under a name. */
export function keepValue(name, value) {
  sessionStorage.setItem(mine + name, value);
}

/** What was kept under a name, null for nothing. */
export function kept(name) {
  return sessionStorage.getItem(mine + name);
}

/**
 * Keep a field as it is typed, and put back what was kept before.
 * @param {string} name of the draft
 * @param {HTMLInputElement|HTMLTextAreaElement} field
 * @returns {boolean} whether something was put back
 */
export function keepField(name, field) {
  const before = kept(name);
  const back = Boolean(before) && !field.value;
  if (back) {
    field.value = before;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const save = () => {
    if (field.value) sessionStorage.setItem(mine + name, field.value);
    else forget(name);
  };
  field.addEventListener("input", save);
  window.addEventListener("caretier:keep", save);
  return back;
}

if (person) wipe((key) => !key.startsWith(mine));
for (const form of document.querySelectorAll('form[action="/lock"], form[action="/switch"]')) {
  form.addEventListener("submit", forgetAll);
}
