/** Actions on a message. Each takes the message's article; the composer and the server do the rest. */
import { pickEmoji } from "./emoji-pane.js";
import { postForm } from "./forms.js";
import { dispatch } from "./fragments.js";
import { showToast } from "./toast.js";
import { translation, truncate } from "./translations.js";
import { idOf, messageUrl } from "./urls.js";

const QUOTED_CHARACTERS = 160;
const me = document.body.dataset.user;

export function chooseReply(article) {
  dispatch("reply-chosen", {
    id: idOf(article),
    author: article.dataset.sender === me ? translation("you") : article.querySelector(".message__author").textContent,
    text: quotable(article),
  });
}

export function chooseEdit(article) {
  dispatch("edit-chosen", { id: idOf(article), url: messageUrl(article, "edit"), text: textOf(article) });
}

/** The Clipboard API needs a secure context, which a server in a home network may not have. */
export async function copyText(article) {
  const body = article.querySelector(".message__body");
  if (navigator.clipboard) await navigator.clipboard.writeText(body.textContent);
  else {
    getSelection().selectAllChildren(body);
    document.execCommand("copy");
    getSelection().removeAllRanges();
  }
  showToast("copied");
}

export function pickReaction(article) {
  pickEmoji(article, (emoji) => postForm(messageUrl(article, "reactions"), { emoji }));
}

/** Remove the current user's reaction, or add the same reaction as others. */
export function toggleReaction(chip) {
  const part = isMine(chip) ? "reactions/withdraw" : "reactions";
  return postForm(messageUrl(chip.closest(".message"), part), { emoji: chip.value });
}

export function isMine(chip) {
  return chip.dataset.users.split(" ").includes(me);
}

/** Return the text of a quote, truncated as on the server. */
export function quotable(article) {
  return truncate(summaryOf(article), QUOTED_CHARACTERS);
}

/** Return the text, or for a message without text the server's description of its attachments. */
export function summaryOf(article) {
  return plainTextOf(article) || labelsOf([...article.querySelectorAll("[data-kind]")].map(({ dataset }) => dataset));
}

/** Return what represents attachments in previews, such as “Photo (3), notes.txt”. */
export function labelsOf(attachments) {
  const counts = new Map();
  for (const label of attachments.map(labelOf)) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => (count > 1 ? `${label} (${count})` : label)).join(", ");
}

function labelOf({ kind, name }) {
  const isNamed = kind === "file" || kind === "audio";
  return (isNamed && name) || translation(`attached_${kind}`);
}

/** Return the text without the markers of its formatting, which are hidden. */
export function plainTextOf(article) {
  const body = article.querySelector(".message__body").cloneNode(true);
  for (const marker of body.querySelectorAll("[hidden]")) marker.remove();
  return body.textContent;
}

/** Return the text as it was typed. */
function textOf(article) {
  return article.querySelector(".message__body").textContent;
}

/** Reply to the last message; when that is selected already, to the one before. */
export function replyToPrevious(history, answered) {
  const texts = [...history.querySelectorAll(".message--text[data-seq]")];
  const current = texts.findIndex((article) => idOf(article) === answered?.id);
  choose(texts.at(current < 0 ? -1 : Math.max(0, current - 1)), chooseReply);
}

/** Edit the current user's last message. Return whether there is one. */
export function editLastOwn(history) {
  const mine = `.message--text[data-seq][data-sender="${document.body.dataset.user}"]`;
  return choose([...history.querySelectorAll(mine)].at(-1), chooseEdit);
}

function choose(article, act) {
  article?.scrollIntoView({ block: "nearest" });
  if (article) act(article);
  return Boolean(article);
}
