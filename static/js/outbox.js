/**
 * Messages on their way out: first come, first sent, kept over a reload, tried until the server has
 * decided. It says `outbox-added`, `outbox-slowed`, `outbox-failed` and, with the confirmed article,
 * `live-message`.
 */
import { token } from "./acts.js";
import { detailOf, request } from "./fragments.js";
import { hear, tell } from "./hearing.js";

const KEY = `outbox:${document.body.dataset.user}`;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;
const TOO_FAST = 429;
const isForLater = (status) => status >= 500 || status === TOO_FAST || status === 408;

let entries = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
let isSending = false;
let failures = 0;
let retry;

/** `entry` is {id, url, conversation, body, replyTo?, quote?, at, error?}. */
export function post(entry) {
  entries.push(entry);
  save();
  tell("outbox-added", entry);
  flush();
}

export function waitingIn(conversation) {
  return entries.filter((entry) => entry.conversation === conversation);
}

export function retryMessage(id) {
  delete entries.find((entry) => entry.id === id)?.error;
  save();
  flush();
}

export function discardMessage(id) {
  entries = entries.filter((entry) => entry.id !== id);
  save();
}

async function flush() {
  if (isSending) return;
  clearTimeout(retry);
  isSending = true;
  let entry;
  while ((entry = entries.find(({ error }) => !error)) && (await deliver(entry)));
  isSending = false;
}

/** Whether the server has decided about the message, either way. */
async function deliver(entry) {
  let response, html;
  try {
    response = await request(entry.url, { method: "POST", body: form(entry), headers: { "X-CSRFToken": token() } });
    html = await response.text();
  } catch {
    retryLater();
    return false;
  }
  if (isForLater(response.status)) {
    const wait = retryLater(Number(response.headers.get("Retry-After")) * 1000);
    if (response.status === TOO_FAST) tell("outbox-slowed", { id: entry.id, seconds: Math.ceil(wait / 1000) });
    return false;
  }
  failures = 0;
  if (response.ok) confirmed(entry, html);
  else refused(entry, detailOf(html) ?? response.statusText);
  return true;
}

function confirmed(entry, html) {
  discardMessage(entry.id);
  hear(html);
}

function refused(entry, reason) {
  entry.error = reason;
  save();
  tell("outbox-failed", entry);
}

/** In how many milliseconds. */
function retryLater(least = 0) {
  const wait = Math.max(least || 0, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++));
  retry = setTimeout(flush, wait);
  return wait;
}

function form({ body, id, replyTo }) {
  return new URLSearchParams({ body, id, ...(replyTo && { reply_to: replyTo }) });
}

function save() {
  sessionStorage.setItem(KEY, JSON.stringify(entries));
}

for (const sign of ["socket-open", "live-ready"]) document.addEventListener(sign, flush);
addEventListener("online", flush);
flush();
