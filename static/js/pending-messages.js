/** Messages that the server has not confirmed yet. */
import { cloneTemplate, dispatch } from "./fragments.js";
import { arrange } from "./message-display.js";
import { discardMessage, pendingIn, retryMessage, uploadsOf } from "./outbox.js";
import { showTime } from "./times.js";
import { previewOf, uploadedPreview } from "./upload-preview.js";

/** Show the unsent messages of a history, with buttons to retry or discard those that failed. */
export function showPending(history, signal) {
  const show = (entry) => {
    if (document.getElementById(`message-${entry.id}`)) return;
    const article = pendingBubble(entry);
    history.append(article);
    arrange(history, [article]);
  };
  for (const entry of pendingIn(history.dataset.conversation)) show(entry);
  document.addEventListener("outbox-added", async ({ detail }) => {
    if (detail.conversation !== history.dataset.conversation) return;
    if (!history.isComplete) await history.toEnd();
    show(detail);
    history.querySelector(".divider--unread")?.remove();
    history.scrollToEnd();
  }, { signal });
  document.addEventListener("outbox-slowed", ({ detail }) => showSlowdown(document.getElementById(`message-${detail.id}`), detail), { signal });
  document.addEventListener("outbox-failed", ({ detail }) => {
    if (detail.conversation !== history.dataset.conversation) return;
    show(detail); // it may come from a tab that was closed
    showFailure(document.getElementById(`message-${detail.id}`), detail.error);
    if (history.isAtEnd) history.scrollToEnd();
  }, { signal });
  history.addEventListener("click", retryOrDiscard, { signal });
}

function retryOrDiscard({ target }) {
  const action = target.dataset.action;
  if (!action) return;
  const article = target.closest(".message");
  const id = article.id.replace("message-", "");
  if (action === "discard" || action === "cancel") {
    discardMessage(id);
    article.remove();
    dispatch("outbox-discarded", { conversation: article.dataset.conversation });
  } else {
    article.querySelector(".message__error").hidden = true;
    article.querySelector(".message__status").dataset.status = "sending";
    retryMessage(id);
    offerToCancel(article, id);
  }
}

function pendingBubble(entry) {
  const article = cloneTemplate("pending-message");
  article.id = `message-${entry.id}`;
  article.querySelector(".message__body").textContent = entry.body;
  showTime(article.querySelector("time"), new Date(entry.at));
  if (entry.quote) article.querySelector(".message__content").before(quote(entry.quote));
  showFiles(article, entry);
  if (entry.error) showFailure(article, entry.error);
  return article;
}

function showFiles(article, { id, files = [] }) {
  if (!files.length) return;
  const uploads = uploadsOf(id);
  const list = document.createElement("ul");
  list.className = "uploads";
  list.append(...(uploads.length ? uploads.map(previewOf) : files.map(uploadedPreview)));
  article.querySelector(".message__content").before(list);
  for (const upload of uploads) upload.addEventListener("change", () => offerToCancel(article, id));
  offerToCancel(article, id);
}

/** A message can be cancelled until its last file is uploaded. */
function offerToCancel(article, id) {
  const isUploading = uploadsOf(id).some(({ attachment, error }) => !attachment && !error);
  article.querySelector("[data-action=cancel]").hidden = !isUploading;
}

function showSlowdown(article, { seconds }) {
  const status = article?.querySelector(".message__status");
  if (!status) return;
  status.textContent = status.dataset.slowed.replace("{seconds}", seconds);
  status.dataset.status = "slowed";
}

function showFailure(article, reason) {
  const box = article.querySelector(".message__error");
  box.firstElementChild.textContent = reason;
  box.hidden = false;
  article.querySelector("[data-action=cancel]").hidden = true;
  article.querySelector(".message__status").dataset.status = "failed";
}

/** Fill in a quote: `{author, text}`. */
export function fillQuote(element, { author, text }) {
  element.querySelector("b").textContent = author;
  element.querySelector("span").textContent = text;
  return element;
}

function quote(content) {
  return fillQuote(cloneTemplate("pending-quote"), content);
}
