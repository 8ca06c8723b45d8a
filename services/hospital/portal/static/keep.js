/**
 * Text that is not saved yet, kept in the browser's tab (sessionStorage) under the referral's id and
 * the user's, so that a lost session or connection loses nothing. It ends with the tab, with
 * signing, and with signing out.
 */

const PREFIX = "caretier-reply:";
let closed = false;

/**
 * Keep a text.
 * @param {string} id of the referral
 * @param {{user: string, version: number, text: string}} entry
 * @returns {boolean} false where the browser refuses storage, or after signing out
 */
export function keep(id, entry) {
  if (closed) return false;
  try {
    sessionStorage.setItem(PREFIX + id, JSON.stringify(entry));
    return true;
  } catch {
    return false;
  }
}

/** The kept text of a user; what somebody else left in this tab is thrown away. */
export function kept(id, user) {
  try {
    const entry = JSON.parse(sessionStorage.getItem(PREFIX + id) ?? "null");
    if (entry && entry.user === user && typeof entry.text === "string") return entry;
  } catch {
    /* Unreadable or refused: there is nothing to give back. */
  }
  drop(id);
  return null;
}

/** Forget the text of one referral. */
export function drop(id) {
  try {
    sessionStorage.removeItem(PREFIX + id);
  } catch {
    /* Nothing was kept. */
  }
}

/** Whether any text is kept in this tab. */
export function any() {
  try {
    return Object.keys(sessionStorage).some((key) => key.startsWith(PREFIX));
  } catch {
    return false;
  }
}

/** Forget every text of this tab and take no more from this page. */
export function dropAll() {
  closed = true;
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
    }
  } catch {
    /* Nothing was kept. */
  }
}
