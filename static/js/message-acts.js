/** What one does with a message: each takes its article. The composer and the server do the rest. */
import { act } from "./acts.js";
import { pickEmoji } from "./emoji-pane.js";
import { tell } from "./hearing.js";
import { say } from "./toast-line.js";

const QUOTED_CHARACTERS = 160;
const me = document.body.dataset.user;

export function idOf(article) {
  return article.id.replace("message-", "");
}

export function urlOf(article, act) {
  return `/chats/${article.dataset.conversation}/messages/${idOf(article)}/${act}`;
}

export function chooseReply(article) {
  tell("reply-chosen", {
    id: idOf(article),
    author: article.querySelector(".message__author").textContent,
    text: quotable(article),
  });
}

export function chooseEdit(article) {
  tell("edit-chosen", { id: idOf(article), url: urlOf(article, "edit"), text: textOf(article) });
}

/** The clipboard's own way needs a secure page, which a server at home may not have. */
export async function copyText(article) {
  const body = article.querySelector(".message__body");
  if (navigator.clipboard) await navigator.clipboard.writeText(body.textContent);
  else {
    getSelection().selectAllChildren(body);
    document.execCommand("copy");
    getSelection().removeAllRanges();
  }
  say("copied");
}

export function pickReaction(article) {
  pickEmoji(article, (emoji) => act(urlOf(article, "reactions"), { emoji }));
}

/** One's own is withdrawn, others' is joined. */
export function toggleReaction(chip) {
  const door = isMine(chip) ? "reactions/withdraw" : "reactions";
  return act(urlOf(chip.closest(".message"), door), { emoji: chip.value });
}

export function isMine(chip) {
  return chip.dataset.users.split(" ").includes(me);
}

/** What a quote of it says, shortened as the server does. */
export function quotable(article) {
  const characters = [...textOf(article)];
  const isShort = characters.length <= QUOTED_CHARACTERS;
  return isShort ? characters.join("") : `${characters.slice(0, QUOTED_CHARACTERS - 1).join("")}…`;
}

function textOf(article) {
  return article.querySelector(".message__body").textContent;
}
