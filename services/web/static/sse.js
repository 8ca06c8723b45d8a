/**
 * Parser of `text/event-stream` over a fetch body (EventSource cannot POST). Follows the WHATWG
 * rules for line ends (LF, CRLF, CR), comments, multi-line data and a chunk cut anywhere.
 */

/** Cuts a text into complete lines and keeps the rest for the next chunk. */
export class Lines {
  #rest = "";
  #afterReturn = false;

  /** @param {string} chunk @returns {string[]} */
  push(chunk) {
    if (!chunk) return [];
    // A CR ends its line at once; an LF that opens the next chunk is the second half of CRLF.
    const fresh = this.#afterReturn && chunk.startsWith("\n") ? chunk.slice(1) : chunk;
    this.#afterReturn = chunk.endsWith("\r");
    const lines = (this.#rest + fresh).split(/\r\n|\n|\r/);
    this.#rest = lines.pop();
    return lines;
  }
}

/**
 * Events of a byte stream, in order.
 * @param {ReadableStream<Uint8Array>} body
 * @yields {{event: string, data: string}}
 */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const lines = new Lines();
  let event = "message";
  let data = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const line of lines.push(value)) {
        if (line === "") {
          if (data.length) yield { event, data: data.join("\n") };
          event = "message";
          data = [];
        } else if (line.startsWith("event:")) {
          event = line.slice(6).trim();
        } else if (line.startsWith("data:")) {
          data.push(line.slice(5).replace(/^ /, ""));
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
