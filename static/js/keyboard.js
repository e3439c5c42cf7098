/** Keyboard shortcuts of the whole page. The composer, the history and the list handle their own keys. */
import { focusComposer, isWriting } from "./focus.js";
import { showDialog } from "./modal-dialog.js";
import { SHORTCUTS_URL } from "./urls.js";

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const isPlain = !isWriting(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (isPlain && event.key === "?") showDialog(SHORTCUTS_URL);
  else if (isPlain && event.key === "/") search();
  else if (event.key === "k" && (event.ctrlKey || event.metaKey)) search();
  else if (event.altKey && event.shiftKey && event.key === "ArrowDown") openBeside(1);
  else if (event.altKey && event.shiftKey && event.key === "ArrowUp") openBeside(-1);
  else if (event.key === "Escape" && !isWriting(event.target)) focusComposer();
  else return;
  event.preventDefault();
});

function search() {
  const box = [...document.querySelectorAll("input[name=q]")].findLast((each) => each.checkVisibility()); // the search page's box comes before the list's
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

/** Move the focus to the message box when a character is typed outside of a field. */

const BUTTONS = ".message__tools button, button.reaction, .jump, .composer button";
const OPEN = "dialog[open], [popover]:popover-open, details.menu[open]";

document.addEventListener("mousedown", (event) => {
  if (event.target.closest(BUTTONS)) event.preventDefault(); // the button is pressed without taking the focus
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || !isPrintable(event) || isWriting(event.target) || document.querySelector(OPEN)) return;
  const box = document.getElementById("message-body");
  if (box?.checkVisibility() && !box.readOnly) box.focus(); // the browser then types the character into it
});

/** The space bar scrolls or presses a button. AltGr types characters, but counts as Ctrl+Alt on Windows. */
function isPrintable(event) {
  const hasCommand = (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState("AltGraph");
  return !hasCommand && event.key !== " " && [...event.key].length === 1;
}

/**
 * Keys of an input method (IME), such as the Enter that accepts a conversion, must not reach any listener. Safari
 * sends that Enter after the end of the composition, with key code 229.
 */
const COMPOSING = 229;

addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === COMPOSING) event.stopImmediatePropagation();
}, { capture: true });
