/**
 * Dialogs, menus and popups over the page. The browser's Back closes them: while anything is open, the page has a
 * second entry in the browser's history, which is removed when the last layer closes.
 */
const layers = new Map(); // each with the function that closes it
let entryOf = history.state?.layer ? location.href : null; // the page whose second entry is the current one
let isReturning = false;
let currentUrl = location.href;

/** Register an open layer. `close` may be called for a layer that is already closed. */
export function layerOpened(layer, close) {
  layers.set(layer, close);
  if (!entryOf && !isReturning) addEntry();
}

/** Unregister a layer. The delay lets the next one reuse the history entry. */
export function layerClosed(layer) {
  if (layers.delete(layer)) setTimeout(removeEntry);
}

function addEntry() {
  history.pushState({ ...history.state, layer: true }, "");
  entryOf = currentUrl = location.href;
}

function removeEntry() {
  if (layers.size || !entryOf || isReturning) return;
  isReturning = true;
  history.back();
}

function closeAll() {
  const closing = [...layers.values()];
  layers.clear();
  for (const close of closing) close();
}

/** This listener must run before that of htmx, which would load the page again. */
addEventListener("popstate", (event) => {
  const [left, came, wasReturning] = [entryOf, currentUrl, isReturning];
  currentUrl = location.href;
  entryOf = event.state?.layer ? currentUrl : null;
  isReturning = false;
  if (currentUrl !== (left ?? came)) return closeAll(); // another page
  if (!left && !entryOf) return;
  event.stopImmediatePropagation();
  if (entryOf) removeEntry(); // Forward, to a layer that is closed now
  else if (!wasReturning) closeAll();
  else if (layers.size) addEntry(); // another layer was opened in between
}, { capture: true });

/** A link in a menu replaces the second entry by the next page. */
document.addEventListener("htmx:beforeHistoryUpdate", ({ detail }) => {
  if (entryOf) detail.history.type = "replace";
  entryOf = null;
  closeAll();
});

for (const name of ["htmx:pushedIntoHistory", "htmx:replacedInHistory"]) {
  document.addEventListener(name, () => (currentUrl = location.href));
}

/** The menu of a bar disappears when the bar is replaced. */
document.addEventListener("bar-changed", () => {
  for (const layer of layers.keys()) if (!layer.isConnected) layerClosed(layer);
});

removeEntry(); // nothing is open after a reload

/** Place a popup next to its anchor and inside the window. On a phone, CSS puts it at the bottom. */

const GAP_PX = 6;
export const isPhone = matchMedia("(max-width: 44.99rem)");

export const isTouch = matchMedia("(hover: none) and (pointer: coarse)").matches;

export function placeBeside(popup, anchor) {
  popup.style.inset = "";
  if (isPhone.matches) return;
  const { width, height } = popup.getBoundingClientRect();
  const box = anchor.getBoundingClientRect();
  const isBelow = box.bottom + GAP_PX + height <= innerHeight - GAP_PX;
  const top = isBelow ? box.bottom + GAP_PX : Math.max(GAP_PX, box.top - GAP_PX - height);
  const isAtRight = box.left + box.width / 2 > innerWidth / 2;
  const left = isAtRight ? box.right - width : box.left;
  popup.style.inset = `${top}px auto auto ${Math.max(GAP_PX, Math.min(left, innerWidth - width - GAP_PX))}px`;
}

/** Open a popup that closes on Escape or a press outside and then returns the focus. */
export function openPopup(popup, anchor, onClose = () => {}) {
  const lifetime = new AbortController();
  const returnTo = document.activeElement;
  const close = () => {
    if (lifetime.signal.aborted) return;
    lifetime.abort();
    layerClosed(popup);
    if (popup.isConnected && popup.matches(":popover-open")) popup.hidePopover();
    onClose();
  };
  const dismiss = () => {
    close();
    if (returnTo?.isConnected) returnTo.focus({ preventScroll: true });
  };
  layerOpened(popup, dismiss);
  popup.showPopover();
  placeBeside(popup, anchor);
  const options = { signal: lifetime.signal, capture: true };
  document.addEventListener("pointerdown", ({ target }) => popup.contains(target) || dismiss(), options);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    dismiss();
  }, options);
  addEventListener("resize", () => isPhone.matches || dismiss(), options); // the keyboard of a phone has opened
  return { close, dismiss };
}

/** Menus are <details> elements. A press outside, Escape and a finished action close them. */

const opened = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("pointerdown", ({ target }) => {
  for (const menu of opened()) if (!menu.contains(target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of opened()) {
    menu.open = false;
    if (menu.contains(event.target)) menu.querySelector("summary").focus();
    event.preventDefault();
  }
});

document.addEventListener("form-done", ({ target }) => {
  const menu = target.closest("details.menu");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("toggle", ({ target: menu }) => {
  if (!menu.matches("details.menu")) return;
  if (!menu.open) return layerClosed(menu);
  layerOpened(menu, () => close(menu));
  menu.querySelector(".menu__item").focus({ focusVisible: false });
}, { capture: true });

function close(menu) {
  const hasFocus = menu.contains(document.activeElement);
  menu.open = false;
  if (hasFocus) menu.querySelector("summary").focus();
}

/** Scroll an opened disclosure into view, with the button at its end. */
document.addEventListener("toggle", ({ target }) => {
  if (target.matches("details.disclosure") && target.open) target.scrollIntoView({ block: "nearest" });
}, { capture: true });
