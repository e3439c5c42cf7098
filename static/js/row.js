/** One row of the list: its preview, status, unread count and position. */
import { summaryOf } from "./message-actions.js";
import { nameIn } from "./message-display.js";
import { advance, deliveryStatus } from "./message-order.js";
import { interpolate, translation, truncate } from "./translations.js";

const PREVIEW_CHARACTERS = 120;
const SETTINGS = ["pinned", "archived", "mutedUntil", "markedUnread"];
const me = document.body.dataset.user;

/** Show the newest message, with its status if the current user sent it. */
export function showPreview(row, article) {
  const isText = article.matches(".message--text");
  const isMine = article.dataset.sender === me;
  const author = isMine ? translation("you") : article.querySelector(".message__author").textContent;
  const hasSender = isText && row.dataset.kind === "group";
  const isOwnTombstone = isMine && row.dataset.kind === "direct" && article.matches(".message--deleted");
  const body = article.querySelector(".message__body");
  row.querySelector(".row__typing")?.remove();
  row.dataset.lastSender = hasSender ? article.dataset.sender : "";
  row.querySelector(".row__sender").textContent = hasSender ? author : "";
  if (isOwnTombstone) row.querySelector(".row__preview").textContent = translation("own_deleted");
  else if (isText) row.querySelector(".row__preview").textContent = truncate(summaryOf(article), PREVIEW_CHARACTERS);
  else row.querySelector(".row__preview").replaceChildren(...body.cloneNode(true).childNodes);
  showAttached(row, article.querySelector("[data-kind]")?.dataset.kind);
  row.querySelector(".row__status").hidden = !(isText && isMine);
  showStatus(row);
}

/** Show the icon of the first attachment's kind. */
function showAttached(row, kind) {
  const icon = row.querySelector(".row__attached");
  const use = icon.querySelector("use");
  icon.toggleAttribute("hidden", !kind);
  if (kind) use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${kind}`));
}

/** Show a message that the server has not confirmed yet. */
export function showPendingPreview(row, { text, kind }) {
  const status = row.querySelector(".row__status");
  row.dataset.lastSender = me;
  row.querySelector(".row__sender").textContent = row.dataset.kind === "group" ? translation("you") : "";
  row.querySelector(".row__preview").textContent = truncate(text, PREVIEW_CHARACTERS);
  showAttached(row, kind);
  status.hidden = false;
  status.dataset.status = "sending";
  status.textContent = translation("sending");
}

/** Show a user's new name and photo. */
export function showProfile(row, profile) {
  const { user } = profile.dataset;
  const name = nameIn(profile);
  if (row.dataset.lastSender === user && user !== me) row.querySelector(".row__sender").textContent = name;
  if (!row.querySelector(`[data-present="${user}"]`)) return;
  row.querySelector(".row__title").textContent = name;
  row.querySelector(".avatar").replaceWith(profile.querySelector(".avatar").cloneNode(true));
}

/** Apply the watermarks of all other members. */
export function moveWatermarks(row, { deliveredSeq, readSeq }) {
  advance(row, "allDeliveredSeq", deliveredSeq);
  advance(row, "allReadSeq", readSeq);
  showStatus(row);
}

function showStatus(row) {
  const { lastSeq, allReadSeq, allDeliveredSeq } = row.dataset;
  const status = deliveryStatus(Number(lastSeq), { deliveredSeq: allDeliveredSeq, readSeq: allReadSeq });
  const indicator = row.querySelector(".row__status");
  indicator.dataset.status = status;
  indicator.textContent = indicator.hidden ? "" : translation(status);
}

export function unreadCount({ dataset }) {
  return dataset.lastSeq - dataset.readSeq;
}

/** Show the number of unread messages, or a dot if the conversation was only marked as unread. */
export function showUnread(row) {
  const badge = row.querySelector(".badge");
  badge.textContent = unreadCount(row) || "";
  if (unreadCount(row) || !("markedUnread" in row.dataset)) return;
  const label = document.createElement("span");
  label.className = "visually-hidden";
  label.textContent = translation("marked_unread");
  badge.append(label);
}

const TYPING_MS = 6_000;
const timers = new WeakMap();

/** Show in place of the preview that somebody is typing, until they stop or send. */
export function showTyping(row, typing) {
  const isActive = "active" in typing.dataset && typing.dataset.user !== me;
  clearTimeout(timers.get(row));
  row.querySelector(".row__typing")?.remove();
  if (!isActive) return;
  const line = document.createElement("span");
  line.className = "row__last row__typing typing";
  line.append(...interpolate(translation(row.dataset.kind === "direct" ? "typing" : "typing_one"), { name: typing.textContent }));
  row.querySelector(".row__last").before(line);
  timers.set(row, setTimeout(() => line.remove(), TYPING_MS));
}

/** Show the draft, which may come from another device. */
export function showDraft(row, text) {
  row.toggleAttribute("data-draft", Boolean(text));
  row.querySelector(".row__draft span").textContent = truncate(text, PREVIEW_CHARACTERS);
}

/** Return whether the row shows these settings (pinned, archived, muted, marked as unread) already. */
export function hasSameSettings(row, membership) {
  return SETTINGS.every((name) => (row.dataset[name] ?? null) === (membership.dataset[name] ?? null));
}

export function needsAttention(row) {
  const isMuted = Date.parse(row.dataset.mutedUntil) > Date.now();
  return !isMuted && !("archived" in row.dataset) && row.querySelector(".badge").textContent !== "";
}

/** Insert a row at its position: pinned ones first, then by the newest activity. */
export function insertInOrder(rows, row) {
  const isPinned = "pinned" in row.dataset;
  const follows = (other) => {
    if (other === row || !other.dataset.active) return false;
    if (isPinned !== "pinned" in other.dataset) return isPinned;
    return !(other.dataset.active > row.dataset.active);
  };
  const below = [...rows.children].find(follows) ?? rows.querySelector("#more-rows, #more-archived");
  if (row.parentElement !== rows || row.nextElementSibling !== below) rows.insertBefore(row, below);
}
