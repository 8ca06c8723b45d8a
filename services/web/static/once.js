/**
 * A form is sent once: a second press of its button, while the reply to the first is on its way over
 * a slow line, would do the same twice. After a while it may be meant, as after a stopped page.
 */

const WHILE_MS = 20 * 1000;
const pressed = new WeakSet();

addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  const by = event.submitter ?? event.target;
  if (pressed.has(by)) event.preventDefault();
  pressed.add(by);
  setTimeout(() => pressed.delete(by), WHILE_MS);
});
