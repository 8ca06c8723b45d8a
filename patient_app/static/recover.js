/** Somebody forgot the passphrase: the new one, typed twice. */

import { newPassphrase } from "./strength.js";

const chosen = () => document.querySelector('[name="person"]:checked + .icon + span, .avatar + strong, [name="person"] option:checked');

newPassphrase(() => chosen()?.textContent.trim() ?? "");
