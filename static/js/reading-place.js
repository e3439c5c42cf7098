/** What one reads stays where it is on the screen, whatever changes above it. */
import { messagesOf } from "./message-places.js";

export function keepPlace(history, change) {
  const { top } = history.getBoundingClientRect();
  const anchor = messagesOf(history).find((article) => article.getBoundingClientRect().bottom > top);
  const before = topOf(anchor);
  change();
  const heir = anchor && document.getElementById(anchor.id); // the change may have replaced it
  if (heir) history.scrollTop += topOf(heir) - before;
}

function topOf(article) {
  return article?.getBoundingClientRect().top;
}
