/** Tells the server what has arrived and what was read: gathered, only forward, kept while offline. */
const GATHER_MS = 500;
const waiting = new Map();
let timer;

/** `watermarks` holds delivered_seq, read_seq, or both. */
export function noteReceipt(conversation, watermarks) {
  const before = waiting.get(conversation) ?? {};
  for (const [name, seq] of Object.entries(watermarks)) before[name] = Math.max(seq, before[name] ?? 0);
  waiting.set(conversation, before);
  timer ??= setTimeout(flush, GATHER_MS);
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
