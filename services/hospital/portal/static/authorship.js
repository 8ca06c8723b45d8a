/** Whose words a reply is made of; the same rule as the server's `authorship`. */

const WINDOW = 40;
const BEGINS = /^[ \t]*(?:[-•*][ \t]+)?$/u;
const FOLLOWS = /(?:\n|[.!?…]["”»)\]]*\s)[ \t]*(?:[-•*][ \t]+)?$/u;

/** Whether a sentence of the draft stands by itself at a place of the text. */
function stands(text, at, sentence, follows) {
  if (!sentence.trim() || !text.startsWith(sentence, at)) return false;
  const after = text.charAt(at + sentence.length);
  if (after && !/\s/u.test(after)) return false;
  if (follows) return true;
  const before = text.slice(Math.max(0, at - WINDOW), at);
  return FOLLOWS.test(before) || (at <= WINDOW && BEGINS.test(before));
}

/** The text as pieces `{ text, sentence }`; `sentence` is an index of the draft's, or null. */
export function pieces(text, sentences) {
  const order = sentences.map((_, index) => index).sort((a, b) => sentences[b].length - sentences[a].length);
  const found = [];
  let done = 0;
  let at = 0;
  while (at < text.length) {
    const between = text.slice(done, at);
    const follows = found.length > 0 && found.at(-1).sentence !== null && between !== "" && !between.trim();
    const index = order.find((i) => stands(text, at, sentences[i], follows));
    if (index === undefined) {
      at += 1;
      continue;
    }
    if (done < at) found.push({ text: between, sentence: null });
    at += sentences[index].length;
    done = at;
    found.push({ text: sentences[index], sentence: index });
  }
  if (done < text.length) found.push({ text: text.slice(done), sentence: null });
  return found;
}
