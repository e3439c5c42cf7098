/** Where a message stands in the history, and how it looks between its neighbours. */
import { mold } from "./fragments.js";
import { isMine } from "./message-acts.js";
import { isSameDay, localise, showTime } from "./times.js";
import { word } from "./words.js";

const GROUPING_MS = 10 * 60_000;
const ONLY_EMOJI = /^(\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f|\s){1,12}$/u;

/** Pending messages have no number yet and stand last. */
export function seqOf(article) {
  return Number(article.dataset.seq ?? Infinity);
}

export function versionOf(article) {
  return Number(article.dataset.version ?? 0);
}

export function messagesOf(history) {
  return [...history.querySelectorAll(".message")];
}

export function endOf(history) {
  return previousMessage(history.lastElementChild, true);
}

/** Puts the message at its place, or over its older self. */
export function place(history, article) {
  const former = document.getElementById(article.id);
  const focused = former?.contains(document.activeElement) ? document.activeElement : null;
  if (former && former.dataset.seq === article.dataset.seq) former.replaceWith(article);
  else {
    former?.remove();
    insert(history, article);
  }
  arrange(history, [article]);
  if (focused) passFocus(focused, article);
}

/** From the older self to the new one, to the same reaction if it is still there. */
function passFocus(focused, article) {
  const chips = [...article.querySelectorAll("button.reaction")];
  const heir = chips.find(({ value }) => focused.matches(".reaction") && value === focused.value) ?? article;
  if (heir === article) article.tabIndex = -1;
  heir.focus({ preventScroll: true });
}

function insert(history, article) {
  let next = null;
  let message = endOf(history);
  while (message && seqOf(message) > seqOf(article)) {
    next = message;
    message = previousMessage(message);
  }
  history.insertBefore(article, next ?? history.querySelector("[rel=next]"));
}

/** Local times, ticks, grouping and day dividers for these messages and whoever follows them. */
export function arrange(history, articles) {
  for (const article of articles) {
    localise(article);
    showStatus(history, article);
    const text = article.querySelector(".message__body").textContent;
    article.classList.toggle("message--emoji", ONLY_EMOJI.test(text));
    for (const chip of article.querySelectorAll("button.reaction")) chip.ariaPressed = String(isMine(chip));
    neighbour(article);
  }
  const next = articles.length && nextMessage(articles.at(-1));
  if (next) neighbour(next);
}

export function showStatus(history, article) {
  const seq = Number(article.dataset.seq);
  if (!seq) return;
  const { readSeq, deliveredSeq } = history.dataset;
  const status = seq <= Number(readSeq) ? "read" : seq <= Number(deliveredSeq) ? "delivered" : "sent";
  const tick = article.querySelector(".message__status");
  tick.dataset.status = status;
  tick.textContent = word(status);
}

function neighbour(article) {
  const before = previousMessage(article);
  const at = sentAt(article);
  const opensDay = !before || !isSameDay(at, sentAt(before));
  article.classList.toggle("message--follows", !opensDay && continues(article, before));
  let divider = article.previousElementSibling;
  if (divider?.matches(".divider--unread")) divider = divider.previousElementSibling;
  if (!divider?.matches(".divider--day")) divider = null;
  if (!opensDay) return divider?.remove();
  if (!divider) article.before((divider = mold("day-divider")));
  showTime(divider.querySelector("time"), at);
}

function continues(article, before) {
  const isNotice = (message) => message.matches(".message--system");
  return (
    !isNotice(article) && !isNotice(before) &&
    article.dataset.sender === before.dataset.sender && sentAt(article) - sentAt(before) < GROUPING_MS
  );
}

function sentAt(article) {
  return new Date(article.querySelector("time").dateTime);
}

function previousMessage(element, including = false) {
  let found = including ? element : element?.previousElementSibling;
  while (found && !found.matches(".message")) found = found.previousElementSibling;
  return found;
}

function nextMessage(element) {
  let found = element.nextElementSibling;
  while (found && !found.matches(".message")) found = found.nextElementSibling;
  return found;
}
