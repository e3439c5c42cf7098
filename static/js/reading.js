/** Notices what is being read: on screen, in a window that somebody looks at. */
import { endOf, seqOf } from "./message-places.js";
import { noteReceipt } from "./receipts.js";

const LOOK_MS = 250;

export function noteReading(history, signal) {
  let timer;
  const lookSoon = () => (timer ??= setTimeout(look, LOOK_MS));
  const look = () => {
    timer = undefined;
    if (!isLookedAt() || !history.isConnected) return;
    const seq = newestOnScreen(history);
    if (seq <= Number(history.dataset.ownReadSeq)) return;
    history.dataset.ownReadSeq = seq;
    noteReceipt(history.dataset.conversation, { read_seq: seq });
  };
  history.addEventListener("scroll", lookSoon, { passive: true, signal });
  addEventListener("focus", lookSoon, { signal });
  document.addEventListener("visibilitychange", lookSoon, { signal });
  new MutationObserver(lookSoon).observe(history, { childList: true });
  lookSoon();
}

export function isLookedAt() {
  return document.visibilityState === "visible" && document.hasFocus();
}

/** The highest number whose bubble has come into view at least to its middle. */
function newestOnScreen(history) {
  const edge = history.getBoundingClientRect().bottom;
  for (let message = endOf(history); message; message = message.previousElementSibling) {
    if (!message.dataset.seq) continue;
    const { top, height } = message.getBoundingClientRect();
    if (top + Math.min(height, 80) / 2 < edge) return seqOf(message);
  }
  return 0;
}
