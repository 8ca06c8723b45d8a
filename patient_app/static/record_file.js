/** A file brought into the record; a module of its own, so that the record is shown before it. */

import { bringing } from "./bringing.js";

bringing(() => document.dispatchEvent(new Event("record-changed")));
