/**
 * Server-rendered news, whichever way they came. Every root element becomes an event on the document:
 * `live-message` for an article, otherwise the element's own name.
 */
import { parse } from "./fragments.js";
import { translate } from "./words.js";

export function hear(html) {
  for (const root of parse(html)) {
    translate(root);
    tell(root.localName === "article" ? "live-message" : root.localName, root);
  }
}

export function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}
