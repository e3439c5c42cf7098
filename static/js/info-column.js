/**
 * In a wide window, the Info page of the open chat, and its media, are shown in a column beside the chat instead of in
 * the pane. Addresses and fragments are the same; a document that is loaded there shows them in the pane.
 */
import { focusComposer } from "./focus.js";
import { previousPath } from "./navigation.js";
import { conversationUrl, isWithin } from "./urls.js";

const PARTS = ["info", "media"];
const isWide = matchMedia("(min-width: 75rem)");
const column = document.getElementById("info-column");

function openChat() {
  const history = document.querySelector("#pane .conversation:not(.conversation--closed) message-history");
  return history ? conversationUrl(history.dataset.conversation) : null;
}

function belongsBeside(pathname) {
  const chat = openChat();
  return isWide.matches && chat !== null && PARTS.some((part) => pathname === `${chat}/${part}`);
}

const isOpen = () => column.childElementCount > 0;
const close = () => column.replaceChildren();

/** Anything else that comes into the pane closes the column. navigation.js has dropped late answers before. */
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const isBeside = belongsBeside(new URL(detail.xhr.responseURL).pathname);
  if (detail.target === column) detail.shouldSwap &&= isBeside;
  else if (detail.target.id !== "pane" || !detail.shouldSwap) return;
  else if (isBeside) detail.target = column;
  else close();
});
document.addEventListener("htmx:historyRestore", close);
document.addEventListener("htmx:afterSettle", ({ detail }) => detail.target === column && column.focus());

/** Back closes the column, without loading the chat again. This listener must run before that of htmx. */
addEventListener("popstate", (event) => {
  const { pathname, search } = location;
  if (isOpen() && pathname === openChat()) {
    close();
    focusComposer();
  } else if (belongsBeside(pathname)) htmx.ajax("GET", pathname + search, { target: column, swap: "innerHTML" });
  else return;
  event.stopImmediatePropagation();
}, { capture: true });

/** A second click on the name of the chat closes the column. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.bar__subject");
  if (!link || !isOpen() || previousPath() !== openChat() || link.pathname !== location.pathname) return;
  event.preventDefault();
  event.stopPropagation();
  history.back();
}, { capture: true });

document.addEventListener("live-removed", ({ detail }) => {
  if (isWithin(conversationUrl(detail.dataset.conversation), location.pathname)) close();
});
