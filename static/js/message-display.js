/** How a message is displayed in the history: its position, grouping, status, colours and language. */
import { formatSize } from "./file-choice.js";
import { cloneTemplate } from "./fragments.js";
import { isMine, quotable } from "./message-actions.js";
import { deliveryStatus, insert, nextMessage, previousMessage, sentAt } from "./message-order.js";
import { isSameDay, localise, showTime } from "./times.js";
import { translate, translation } from "./translations.js";
import { idOf } from "./urls.js";

const me = document.body.dataset.user;
const GROUPING_MS = 10 * 60_000;
const ONLY_EMOJI = /^(\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f|\s){1,12}$/u;

/** Insert a message, or replace its older version. */
export function place(history, article) {
  const former = document.getElementById(article.id);
  article.classList.toggle("message--unfolded", Boolean(former?.matches(".message--unfolded")));
  const focused = former?.contains(document.activeElement) ? document.activeElement : null;
  if (former) keepPlaying(former, article);
  if (former && former.dataset.seq === article.dataset.seq) former.replaceWith(article);
  else {
    former?.remove();
    insert(history, article);
  }
  arrange(history, [article]);
  if (focused) moveFocus(focused, article);
}

/** Keep a recording or video playing when its message is replaced, for example because of a reaction. */
function keepPlaying(former, article) {
  const isPlaying = [...former.querySelectorAll("audio, video")].some(({ paused }) => !paused);
  if (isPlaying) article.querySelector(".attachments")?.replaceWith(former.querySelector(".attachments"));
}

/** Move the focus from the older version to the new one, to the same reaction if it is still there. */
function moveFocus(focused, article) {
  const chips = [...article.querySelectorAll("button.reaction")];
  const replacement = chips.find(({ value }) => focused.matches(".reaction") && value === focused.value) ?? article;
  if (replacement === article) article.tabIndex = -1;
  replacement.focus({ preventScroll: true });
}

/** Update times, status, grouping and day dividers of these messages and of the next one. */
export function arrange(history, articles) {
  for (const article of articles) {
    localise(article);
    showStatus(history, article);
    const text = article.querySelector(".message__body").textContent;
    article.classList.toggle("message--emoji", ONLY_EMOJI.test(text));
    for (const chip of article.querySelectorAll("button.reaction")) chip.ariaPressed = String(isMine(chip));
    personalise(history, article);
    updateGrouping(article);
  }
  const next = articles.length && nextMessage(articles.at(-1));
  if (next) updateGrouping(next);
}

/** Adapt a message to the viewer. The fragments that the server sends are the same for all members. */
function personalise(history, article) {
  const quote = article.querySelector(".message__quote[data-author]");
  applyTint(history, article, article.dataset.sender);
  if (quote) applyTint(history, quote, quote.dataset.author);
  article.classList.toggle("message--mine", article.dataset.sender === me);
  if (quote?.dataset.author === me) quote.querySelector("b").textContent = translation("you");
  if (article.matches(".message--system")) translate(article);
  for (const size of article.querySelectorAll("data.attachment__size")) size.textContent = formatSize(Number(size.value));
  if (article.dataset.sender !== me) return;
  const isOwnTombstone = article.matches(".message--deleted") && history.matches(".history--direct");
  if (isOwnTombstone) article.querySelector(".message__body").textContent = translation("own_deleted");
}

/** The first members of a group have distinct colours; all others a colour derived from their id. */
function applyTint(history, element, person) {
  const tint = history.dataset.tints.split(" ").indexOf(person);
  if (!person || tint < 0) return;
  element.classList.remove(...[...element.classList].filter((name) => name.startsWith("tint-")));
  element.classList.add(`tint-${tint}`);
}

export function showStatus(history, article) {
  const seq = Number(article.dataset.seq);
  if (!seq) return;
  const status = deliveryStatus(seq, history.dataset);
  const tick = article.querySelector(".message__status");
  if (tick.dataset.status === status && tick.textContent === translation(status)) return; // screen readers react to every change
  tick.dataset.status = status;
  tick.textContent = translation(status);
}

function updateGrouping(article) {
  const before = previousMessage(article);
  const at = sentAt(article);
  const opensDay = !before || !isSameDay(at, sentAt(before));
  article.classList.toggle("message--follows", !opensDay && continuesGroup(article, before));
  let divider = article.previousElementSibling;
  if (divider?.matches(".divider--unread")) divider = divider.previousElementSibling;
  if (!divider?.matches(".divider--day")) divider = null;
  if (!opensDay) return divider?.remove();
  if (!divider) article.before((divider = cloneTemplate("day-divider")));
  showTime(divider.querySelector("time"), at);
}

function continuesGroup(article, before) {
  const isSystem = (message) => message.matches(".message--system");
  return (
    !isSystem(article) && !isSystem(before) &&
    article.dataset.sender === before.dataset.sender && Number(sentAt(article)) - Number(sentAt(before)) < GROUPING_MS
  );
}

/** Update the quotes of a message that has changed: the messages that quote it do not change themselves. */
export function updateQuotes(history, original) {
  const quotes = history.querySelectorAll(`.message__quote[data-message="${idOf(original)}"] span`);
  for (const quote of quotes) quote.textContent = quotable(original);
}


/** Return the current name of a user. */
export function nameIn({ dataset }) {
  return dataset.name || translation("nobody");
}

/** Update names and photos in the open conversation and its bar. */
export function showProfileChanges(history, signal) {
  document.addEventListener("live-profile", ({ detail: profile }) => {
    const { user } = profile.dataset;
    const authors = `.message[data-sender="${user}"] > .message__author, .message__quote[data-author="${user}"] > b`;
    for (const author of history.querySelectorAll(authors)) author.textContent = nameIn(profile);
    const avatars = `.message[data-sender="${user}"] > .message__avatar > .avatar`;
    for (const avatar of history.querySelectorAll(avatars)) avatar.replaceWith(tintedByMessage(profile.querySelector(".avatar")));
    const bar = document.getElementById("conversation-bar");
    if (bar.querySelector("typing-line").dataset.person === user) showInBar(bar, profile);
  }, { signal });
}

/** Return a copy of an avatar without a colour of its own, so that it has that of the author's name. */
function tintedByMessage(avatar) {
  const copy = avatar.cloneNode(true);
  copy.className = "avatar";
  return copy;
}

function showInBar(bar, profile) {
  const title = bar.querySelector(".bar__title");
  const name = nameIn(profile);
  document.title = document.title.replace(title.textContent, () => name);
  title.textContent = name;
  const avatar = profile.querySelector(".avatar").cloneNode(true);
  avatar.classList.add("avatar--small");
  bar.querySelector(".avatar").replaceWith(avatar);
}
