/** What one row of the list shows, and how it changes. */
import { word } from "./words.js";

const PREVIEW_CHARACTERS = 120;
const KEPT = ["pinned", "archived", "mutedUntil"];
const me = document.body.dataset.user;

/** The newest message in short, with ticks if it is one's own. */
export function preview(row, article) {
  const isText = article.matches(".message--text");
  const isMine = article.dataset.sender === me;
  const author = isMine ? word("you") : article.querySelector(".message__author").textContent;
  const isSaid = isText && (row.dataset.kind === "group" || isMine);
  row.querySelector(".row__sender").textContent = isSaid ? author : "";
  row.querySelector(".row__preview").textContent = article.querySelector(".message__body").textContent.slice(0, PREVIEW_CHARACTERS);
  row.querySelector(".row__status").hidden = !(isText && isMine);
  tick(row);
}

/** How far all members have come; only ever forward. */
export function moveWatermarks(row, { deliveredSeq, readSeq }) {
  const forward = (name, seq) => (row.dataset[name] = Math.max(seq, row.dataset[name]));
  forward("allDeliveredSeq", deliveredSeq);
  forward("allReadSeq", readSeq);
  tick(row);
}

function tick(row) {
  const { lastSeq, allReadSeq, allDeliveredSeq } = row.dataset;
  const reached = (seq) => Number(lastSeq) <= Number(seq);
  const status = reached(allReadSeq) ? "read" : reached(allDeliveredSeq) ? "delivered" : "sent";
  const mark = row.querySelector(".row__status");
  mark.dataset.status = status;
  mark.textContent = mark.hidden ? "" : word(status);
}

export function unread({ dataset }) {
  return dataset.lastSeq - dataset.readSeq;
}

export function count(row) {
  row.querySelector(".badge").textContent = unread(row) || "";
}

/** What one began to write, here or on another device. */
export function showDraft(row, text) {
  row.toggleAttribute("data-draft", Boolean(text));
  row.querySelector(".row__draft span").textContent = text.slice(0, PREVIEW_CHARACTERS);
}

/** Whether two tell the same of how a conversation is kept. */
export function isKeptAlike(row, news) {
  return KEPT.every((name) => (row.dataset[name] ?? null) === (news.dataset[name] ?? null));
}

export function isWaiting(row) {
  const isMuted = new Date(row.dataset.mutedUntil || 0) > Date.now();
  return !isMuted && !("archived" in row.dataset) && row.querySelector(".badge").textContent !== "";
}
