/**
 * Messages on their way to the server: sent in order, and retried until the server has decided. They are stored in the
 * browser: when a tab is closed, another tab of the same user sends them. It dispatches `outbox-added`, `outbox-
 * slowed`, `outbox-failed` and, for the confirmed article, `live-message`.
 */
import { csrfToken } from "./forms.js";
import { detailOf, dispatch, dispatchFragments, request } from "./fragments.js";

const PREFIX = `outbox:${document.body.dataset.user}:`; // followed by the id of the message
const TAB = uuid7();
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;
const TOO_FAST = 429;
const isForLater = (status) => status >= 500 || status === TOO_FAST || status === 408;

let entries = []; // those of this tab
const uploads = new Map(); // by the id of a message, its files until the server has it; they are not stored
let isSending = false;
let mustWait = false; // the server has said when to try again
let failures = 0;
let retry;

/**
 * Queue a message: {url, conversation, body, replyTo?, quote?}. One with files waits until they are uploaded; later
 * messages do not wait for it.
 */
export function enqueue(message, files = []) {
  const described = files.map(({ kind, file: { name, size } }) => ({ kind, name, size }));
  const entry = { ...message, files: described, id: uuid7(), at: Date.now() };
  if (files.length) uploads.set(entry.id, files);
  add(entry);
  dispatch("outbox-added", entry);
  files.length ? collect(entry) : flush();
}

/** Return the unsent messages of a conversation, including those of other tabs. */
export function pendingIn(conversation) {
  const all = [...stored(), ...entries.filter(isUploading)];
  return all.filter((entry) => entry.conversation === conversation).sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** Return the files of a message that were chosen in this tab. */
export function uploadsOf(id) {
  return uploads.get(id) ?? [];
}

/** Return whether messages are pending. Files that are not uploaded are lost when the tab is closed. */
export function hasUnsent() {
  return entries.some((entry) => !entry.error || isUploading(entry));
}

export function retryMessage(id) {
  const entry = [...stored(), ...entries].find((each) => each.id === id);
  if (!entry) return;
  delete entry.error;
  drop(id);
  add(entry); // also if it belonged to another tab
  if (!isUploading(entry)) return flush();
  for (const upload of uploadsOf(id)) if (upload.error) upload.start();
  collect(entry);
}

export function discardMessage(id) {
  for (const upload of uploadsOf(id)) upload.cancel();
  uploads.delete(id);
  drop(id);
  localStorage.removeItem(PREFIX + id);
}

/** Forget all messages because the user logs out. */
export function discardAll() {
  for (const { id } of entries) discardMessage(id);
}

function isUploading({ id, attachments }) {
  return uploads.has(id) && !attachments;
}

/** Send a message once all its files are uploaded. */
async function collect(entry) {
  const files = uploadsOf(entry.id);
  await Promise.all(files.map(({ finished }) => finished));
  const { error } = files.find((upload) => upload.error) ?? {};
  if (error) refused(entry, error);
  if (error || !entries.includes(entry)) return; // it was discarded
  entry.attachments = files.map(({ attachment }) => attachment.id);
  save(entry);
  flush();
}

async function flush() {
  if (isSending || mustWait) return;
  clearTimeout(retry);
  isSending = true;
  let entry;
  while ((entry = entries.find((each) => !each.error && !isUploading(each))) && (await deliver(entry)));
  isSending = false;
}

/** Return whether the server has decided about the message, either way. */
async function deliver(entry) {
  let response, html;
  try {
    response = await request(entry.url, { method: "POST", body: form(entry), headers: { "X-CSRFToken": csrfToken() } });
    html = await response.text();
  } catch {
    entries.forEach(save); // logging out in another tab may have cleared the storage
    retryLater();
    return false;
  }
  if (isForLater(response.status)) {
    const wait = retryLater(Number(response.headers.get("Retry-After")) * 1000);
    if (response.status === TOO_FAST) dispatch("outbox-slowed", { id: entry.id, seconds: Math.ceil(wait / 1000) });
    return false;
  }
  failures = 0;
  if (response.ok) confirmed(entry, html);
  else refused(entry, detailOf(html) || `Error ${response.status}`);
  return true;
}

function confirmed(entry, html) {
  discardMessage(entry.id);
  dispatchFragments(html);
}

function refused(entry, reason) {
  entry.error = reason;
  if (entries.includes(entry)) save(entry);
  dispatch("outbox-failed", entry);
}

/** Schedule the next attempt and return the delay in milliseconds. */
function retryLater(least = 0) {
  const wait = Math.max(least || 0, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++));
  mustWait = least > 0;
  retry = setTimeout(() => {
    mustWait = false;
    flush();
  }, wait);
  return wait;
}

function form({ body, id, replyTo, attachments = [] }) {
  const fields = new URLSearchParams({ body, id, ...(replyTo && { reply_to: replyTo }) });
  for (const attachment of attachments) fields.append("attachments", attachment);
  return fields;
}

// --- the browser's storage ---

/** Return all entries in the order they were written: their ids begin with the time. */
function stored() {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  return keys.sort().map((key) => JSON.parse(localStorage.getItem(key)));
}

function save(entry) {
  if (isUploading(entry)) return;
  localStorage.setItem(PREFIX + entry.id, JSON.stringify(entry));
}

function add(entry) {
  entry.tab = TAB;
  save(entry);
  entries.push(entry);
}

function drop(id) {
  entries = entries.filter((entry) => entry.id !== id);
}

/** Send the messages of a tab that was closed. */
function takeOver(tab) {
  for (const entry of stored()) if (entry.tab === tab) add(entry);
  flush();
}

/**
 * Every tab holds a lock while it is open. A tab that acquires the lock of another knows that the other was closed,
 * and takes over its messages. There are no locks without a secure context: then a new tab takes over everything. If
 * two tabs send the same message, the server stores it once.
 */
const lockOf = (tab) => `${PREFIX}${tab}`;
const watched = new Set([TAB]);

function watch(tab) {
  if (watched.has(tab)) return;
  watched.add(tab);
  if (navigator.locks) navigator.locks.request(lockOf(tab), () => takeOver(tab));
}

navigator.locks?.request(lockOf(TAB), () => new Promise(() => {}));
for (const { tab } of stored()) navigator.locks ? watch(tab) : takeOver(tab);

/** Another tab has queued, taken over, or discarded a message. */
addEventListener("storage", ({ key, newValue }) => {
  if (!key?.startsWith(PREFIX)) return;
  drop(key.slice(PREFIX.length));
  if (!newValue) return;
  const entry = JSON.parse(newValue);
  watch(entry.tab);
  if (entry.error) dispatch("outbox-failed", entry);
});

/** Unsent messages would be sent later, but perhaps much later. */
function askBeforeClosing(event) {
  if (hasUnsent()) event.preventDefault();
}

addEventListener("beforeunload", askBeforeClosing);
document.addEventListener("leaving", () => removeEventListener("beforeunload", askBeforeClosing)); // leaving was not the user's decision

for (const sign of ["socket-open", "live-ready"]) document.addEventListener(sign, flush);
addEventListener("online", flush);

/** Return a UUIDv7, which begins with the time and so sorts by it. `crypto.randomUUID` needs a secure context. */
function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const now = BigInt(Date.now());
  for (let index = 0; index < 6; index++) bytes[index] = Number((now >> BigInt(40 - 8 * index)) & 0xffn);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
