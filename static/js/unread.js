/** The number of unread conversations: “(3) Chats” in the title, a dot on the icon, and a badge on an installed app. */
import { fetchFragment } from "./fragments.js";
import { needsAttention } from "./row.js";

const COUNTED = /^\(\d+\) /;
const ASK_MS = 2_000; // by then the server has received the receipts of this page
const list = document.querySelector("conversation-list");
const icon = document.querySelector("link[rel=icon]");
const icons = { read: icon.href, unread: icon.dataset.unread };
let shown;
let unlisted = 0; // unread conversations whose rows are not loaded
let timer;

function show() {
  const waiting = waitingRows() + unlisted;
  const title = document.title.replace(COUNTED, "");
  const counted = waiting ? `(${waiting}) ${title}` : title;
  if (document.title !== counted) document.title = counted;
  if (waiting === shown) return;
  shown = waiting;
  icon.href = waiting ? icons.unread : icons.read;
  navigator.setAppBadge?.(waiting).catch(() => {}); // only installed apps have a badge
}

function waitingRows() {
  return [...document.querySelectorAll(".rows .row[data-conversation]")].filter(needsAttention).length;
}

/** Compare with the server's number of all unread conversations. */
function compare(all) {
  unlisted = hasMore() ? Math.max(0, all - waitingRows()) : 0;
  show();
}

function hasMore() {
  return document.getElementById("more-rows") !== null;
}

function askSoon() {
  if (!hasMore() && !unlisted) return;
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const answer = await fetchFragment(list.dataset.unreadUrl).catch(() => null);
    if (answer) compare(Number(answer.value));
  }, ASK_MS);
}

const watch = { childList: true, characterData: true, subtree: true };
for (const rows of document.querySelectorAll(".rows")) new MutationObserver(show).observe(rows, watch);
new MutationObserver(show).observe(document.querySelector("title"), watch);
for (const name of ["live-ready", "live-membership", "list-changed"]) document.addEventListener(name, askSoon);
list.addEventListener("htmx:load", askSoon);
compare(Number(list.dataset.unreadChats));
