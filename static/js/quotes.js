/** Quotes say what their original says now: a message that quotes has no part in its changes. */
import { idOf, quotable } from "./message-acts.js";

export function requote(history, original) {
  const quotes = history.querySelectorAll(`.message__quote[data-message="${idOf(original)}"] span`);
  for (const quote of quotes) quote.textContent = quotable(original);
}
