/** Where reading begins, and how quotes lead to what they quote. */
import { mold } from "./fragments.js";
import { messagesOf, seqOf } from "./message-places.js";
import { say } from "./toast-line.js";

const FOUND_MS = 2_000;

/** At the message that was asked for, else at the first new one, else at the end. */
export function land(history) {
  const { around, ownReadSeq } = history.dataset;
  const from = (seq) => messagesOf(history).find((article) => seqOf(article) >= seq);
  const unread = from(Number(ownReadSeq) + 1);
  if (unread?.dataset.seq) unread.before(mold("unread-divider"));
  if (around) reveal(from(Number(around)));
  else if (unread) unread.scrollIntoView({ block: "center" });
  else history.scrollToEnd();
}

function reveal(article) {
  if (!article) return;
  article.scrollIntoView({ block: "center" });
  article.classList.add("message--found");
  setTimeout(() => article.classList.remove("message--found"), FOUND_MS);
}

/** Also when the original is far back in the history. */
export function leadQuotes(history) {
  history.addEventListener("click", async (event) => {
    const quote = event.target.closest("a.message__quote");
    if (!quote || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const original = () => document.getElementById(`message-${quote.dataset.message}`);
    if (!original()) await history.reload(quote.search).catch(() => say("failed"));
    else reveal(original());
    if (!original()) return;
    original().tabIndex = -1;
    original().focus({ preventScroll: true });
  }, { capture: true });
}
