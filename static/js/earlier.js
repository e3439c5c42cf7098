/** What the arrow keys of an empty composer reach for. */
import { chooseEdit, chooseReply, idOf } from "./message-acts.js";

/** The last message, then the one before it, and so on. */
export function answerEarlier(history, answered) {
  const texts = [...history.querySelectorAll(".message--text[data-seq]")];
  const current = texts.findIndex((article) => idOf(article) === answered?.id);
  choose(texts.at(current < 0 ? -1 : Math.max(0, current - 1)), chooseReply);
}

/** Whether there was one of one's own to change. */
export function changeLast(history) {
  const mine = `.message--text[data-seq][data-sender="${document.body.dataset.user}"]`;
  return choose([...history.querySelectorAll(mine)].at(-1), chooseEdit);
}

function choose(article, act) {
  article?.scrollIntoView({ block: "nearest" });
  if (article) act(article);
  return Boolean(article);
}
