/** Keys that work anywhere; those of the composer, the history and the list are theirs. */
import { showDialog } from "./modal-dialog.js";

const isWriting = (element) => element.matches("input, textarea, select, [contenteditable], emoji-picker");

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const isPlain = !isWriting(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (isPlain && event.key === "?") showDialog("/shortcuts");
  else if (isPlain && event.key === "/") search();
  else if (event.key === "k" && (event.ctrlKey || event.metaKey)) search();
  else if (event.altKey && event.shiftKey && event.key === "ArrowDown") openBeside(1);
  else if (event.altKey && event.shiftKey && event.key === "ArrowUp") openBeside(-1);
  else if (event.key === "Escape" && !isWriting(event.target)) document.getElementById("message-body")?.focus();
  else return;
  event.preventDefault();
});

function search() {
  const box = [...document.querySelectorAll("input[name=q]")].find((each) => each.checkVisibility());
  box?.focus();
  box?.select();
}

function openBeside(step) {
  const links = [...document.querySelectorAll(".rows .row[data-conversation]:not([hidden]) .row__link")];
  const shown = links.filter((link) => link.checkVisibility());
  const current = shown.findIndex((link) => link.getAttribute("aria-current") === "page");
  const next = shown[current + step];
  next?.scrollIntoView({ block: "nearest" });
  next?.click();
}
