/** Bubbles of messages that the server has not confirmed yet. */
import { mold } from "./fragments.js";
import { arrange } from "./message-places.js";
import { discardMessage, retryMessage, waitingIn } from "./outbox.js";
import { showTime } from "./times.js";

/** Shows the outbox's messages in their history, and lets the failed ones be sent again. */
export function showPending(history, signal) {
  const show = (entry) => {
    if (document.getElementById(`message-${entry.id}`)) return;
    const article = pendingBubble(entry);
    history.append(article);
    arrange(history, [article]);
  };
  for (const entry of waitingIn(history.dataset.conversation)) show(entry);
  document.addEventListener("outbox-added", async ({ detail }) => {
    if (detail.conversation !== history.dataset.conversation) return;
    if (!history.isComplete) await history.toEnd();
    show(detail);
    history.querySelector(".divider--unread")?.remove();
    history.scrollToEnd();
  }, { signal });
  document.addEventListener("outbox-slowed", ({ detail }) => showPause(document.getElementById(`message-${detail.id}`), detail), { signal });
  document.addEventListener("outbox-failed", ({ detail }) => {
    const article = document.getElementById(`message-${detail.id}`);
    if (!article) return;
    showFailure(article, detail.error);
    if (history.isAtEnd) history.scrollToEnd();
  }, { signal });
  history.addEventListener("click", decide, { signal });
}

function decide({ target }) {
  const act = target.dataset.act;
  if (!act) return;
  const article = target.closest(".message");
  const id = article.id.replace("message-", "");
  if (act === "discard") {
    discardMessage(id);
    article.remove();
  } else {
    article.querySelector(".message__error").hidden = true;
    article.querySelector(".message__status").dataset.status = "sending";
    retryMessage(id);
  }
}

function pendingBubble(entry) {
  const article = mold("pending-message");
  article.id = `message-${entry.id}`;
  article.querySelector(".message__body").textContent = entry.body;
  showTime(article.querySelector("time"), new Date(entry.at));
  if (entry.quote) article.querySelector(".message__content").before(quote(entry.quote));
  if (entry.error) showFailure(article, entry.error);
  return article;
}

function showPause(article, { seconds }) {
  const status = article?.querySelector(".message__status");
  if (!status) return;
  status.textContent = status.dataset.slowed.replace("{seconds}", seconds);
  status.dataset.status = "slowed";
}

function showFailure(article, reason) {
  const box = article.querySelector(".message__error");
  box.firstElementChild.textContent = reason;
  box.hidden = false;
  article.querySelector(".message__status").dataset.status = "failed";
}

/** Who and what is quoted: `{author, text}`. */
export function fillQuote(element, { author, text }) {
  element.querySelector("b").textContent = author;
  element.querySelector("span").textContent = text;
  return element;
}

function quote(words) {
  return fillQuote(mold("pending-quote"), words);
}
