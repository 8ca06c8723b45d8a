/**
 * Differences between two texts by words: longest common subsequence after the common start and
 * end were taken off. Pure; puts no markup together.
 */

const MAX_CELLS = 4_000_000;

/** Words, with the space behind each as a piece of its own. */
export function words(text) {
  return text.match(/\s+|[^\s]+/gu) ?? [];
}

function lengths(a, b) {
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const here = i * width + j;
      table[here] = a[i] === b[j] ? table[here + width + 1] + 1 : Math.max(table[here + width], table[here + 1]);
    }
  }
  return table;
}

function middle(a, b, push) {
  const width = b.length + 1;
  const table = lengths(a, b);
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      push("same", a[i]);
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || table[(i + 1) * width + j] >= table[i * width + j + 1])) {
      push("gone", a[i]);
      i += 1;
    } else {
      push("new", b[j]);
      j += 1;
    }
  }
}

/**
 * Pieces that turn `before` into `after`.
 * @param {string} before
 * @param {string} after
 * @returns {{kind: "same"|"gone"|"new", text: string}[]|null} null when the texts are too long to
 *   compare and differ throughout
 */
export function diff(before, after) {
  const a = words(before);
  const b = words(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const [from, to] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  if ((from.length + 1) * (to.length + 1) > MAX_CELLS) return null;
  const pieces = [];
  const push = (kind, text) => {
    if (pieces.at(-1)?.kind === kind) pieces.at(-1).text += text;
    else pieces.push({ kind, text });
  };
  for (const word of a.slice(0, head)) push("same", word);
  middle(from, to, push);
  for (const word of a.slice(a.length - tail)) push("same", word);
  return pieces;
}
