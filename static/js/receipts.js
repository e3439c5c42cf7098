/** Receipts: notices which messages were read, and tells the server what was delivered and read. */
import { csrfToken } from "./forms.js";
import { dispatch, pageUser } from "./fragments.js";
import { endOf, seqOf } from "./message-order.js";
import { receiptsUrl } from "./urls.js";

const DELAY_MS = 500;
const waiting = new Map();
let timer;

/** Queue a receipt: `watermarks` has delivered_seq, read_seq or both. */
export function queueReceipt(conversation, watermarks) {
  const before = waiting.get(conversation) ?? {};
  for (const [name, seq] of Object.entries(watermarks)) before[name] = Math.max(seq, before[name] ?? 0);
  waiting.set(conversation, before);
  timer ??= setTimeout(flush, DELAY_MS);
}

function flush() {
  timer = undefined;
  const socket = document.querySelector("live-socket");
  for (const [conversation, watermarks] of waiting) {
    if (!socket?.send({ type: "receipt", conversation, ...watermarks })) return;
    waiting.delete(conversation);
  }
}

document.addEventListener("live-ready", flush);

/** A request with keepalive outlives the page, whose socket is closing. */
addEventListener("pagehide", () => {
  for (const [conversation, watermarks] of waiting) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken(), ...pageUser() };
    const body = JSON.stringify(watermarks);
    fetch(receiptsUrl(conversation), { method: "POST", body, headers, keepalive: true }).catch(() => {});
  }
  waiting.clear();
});

/** Mark messages as read when they are visible in the active window. */

const LOOK_MS = 250;

export function trackReading(history, signal) {
  let timer;
  const lookSoon = () => (timer ??= setTimeout(look, LOOK_MS));
  const look = () => {
    timer = undefined;
    if (!isWindowActive() || !history.isConnected) return;
    const readBefore = Number(history.dataset.ownReadSeq);
    const seq = Math.max(newestOnScreen(history), readBefore);
    if (seq === readBefore && !("markedUnread" in history.dataset)) return;
    history.dataset.ownReadSeq = String(seq);
    delete history.dataset.markedUnread; // only opening the chat ends it, not looking at it further
    dispatch("read-here", { conversation: history.dataset.conversation, seq });
    queueReceipt(history.dataset.conversation, { read_seq: seq });
  };
  history.addEventListener("scroll", lookSoon, { passive: true, signal });
  addEventListener("focus", lookSoon, { signal });
  document.addEventListener("visibilitychange", lookSoon, { signal });
  new MutationObserver(lookSoon).observe(history, { childList: true });
  requestAnimationFrame(look); // messages that are visible at once count as read even if the page is left soon
}

export function isWindowActive() {
  return document.visibilityState === "visible" && document.hasFocus();
}

/** Return the highest sequence number of which at least half is visible. */
function newestOnScreen(history) {
  const edge = history.getBoundingClientRect().bottom;
  for (let message = endOf(history); message; message = message.previousElementSibling) {
    if (!message.dataset.seq) continue;
    const { top, height } = message.getBoundingClientRect();
    if (top + Math.min(height, 80) / 2 < edge) return seqOf(message);
  }
  return 0;
}
