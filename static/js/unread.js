/** How many conversations wait: “(3) Chats” in the title, a dot on the page's icon, a badge on an installed one. */
import { isWaiting } from "./row.js";

const COUNTED = /^\(\d+\) /;
const icon = document.querySelector("link[rel=icon]");
const icons = { read: icon.href, unread: icon.dataset.unread };
let shown;

function show() {
  const waiting = [...document.querySelectorAll(".rows .row[data-conversation]")].filter(isWaiting).length;
  const title = document.title.replace(COUNTED, "");
  const counted = waiting ? `(${waiting}) ${title}` : title;
  if (document.title !== counted) document.title = counted;
  if (waiting === shown) return;
  shown = waiting;
  icon.href = waiting ? icons.unread : icons.read;
  navigator.setAppBadge?.(waiting).catch(() => {}); // only an installed page has one
}

const watch = { childList: true, characterData: true, subtree: true };
for (const rows of document.querySelectorAll(".rows")) new MutationObserver(show).observe(rows, watch);
new MutationObserver(show).observe(document.querySelector("title"), watch);
show();
