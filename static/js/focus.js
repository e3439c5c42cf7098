/** Moves the focus and restores it after parts of the page were replaced. */
import { isTouch } from "./overlays.js";

/** Focus the message box, except on a touch screen, where that would open the keyboard. */
export function focusComposer() {
  if (!isTouch) document.getElementById("message-body")?.focus({ preventScroll: true });
}

export function isWriting(element) {
  return element.matches("input, textarea, select, [contenteditable], emoji-picker");
}

/** After htmx has replaced a part of the page, the focus returns to the control at the same position. */
const CONTROLS = "a[href], button, summary, select, textarea, input:not([type=hidden])";
let place = {};

document.addEventListener("htmx:beforeSwap", ({ detail: { target, requestConfig } }) => {
  if (target.id === "pane") return;
  const sender = requestConfig.triggeringEvent?.submitter; // Safari does not focus a button that is clicked
  const focused = target.contains(document.activeElement) ? document.activeElement : sender;
  place = { id: target.id, index: controlsIn(target).indexOf(focused) };
});

document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target.id !== place.id || place.index < 0) return;
  const hasFocus = document.activeElement && document.activeElement !== document.body;
  if (!hasFocus) focusAt(place.index, controlsIn(target));
  place = {};
});

/** A control inside a closed <details> cannot be focused: its summary is focused instead. */
function focusAt(index, controls) {
  const control = controls[Math.min(index, controls.length - 1)];
  const shown = control?.checkVisibility() ? control : control?.closest("details").querySelector("summary");
  shown?.focus({ preventScroll: true });
}

function controlsIn(element) {
  return [...element.querySelectorAll(CONTROLS)];
}
