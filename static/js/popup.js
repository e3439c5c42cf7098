/** Where a popup stands: beside what it belongs to, inside the window. On a phone CSS puts it at the bottom. */
const GAP_PX = 6;
const isPhone = matchMedia("(max-width: 44.99rem)");

/** Where giving the focus to a text box brings up a keyboard over half of the page. */
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

/** Closes on a press elsewhere and on Escape, and gives the focus back; answers how to close it. */
export function openPopup(popup, anchor, { onClose } = {}) {
  const life = new AbortController();
  const returnTo = document.activeElement;
  const close = () => {
    if (life.signal.aborted) return;
    life.abort();
    if (popup.isConnected && popup.matches(":popover-open")) popup.hidePopover();
    onClose?.();
  };
  const giveUp = () => {
    close();
    if (returnTo?.isConnected) returnTo.focus({ preventScroll: true });
  };
  popup.showPopover();
  placeBeside(popup, anchor);
  const options = { signal: life.signal, capture: true };
  document.addEventListener("pointerdown", ({ target }) => popup.contains(target) || giveUp(), options);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    giveUp();
  }, options);
  addEventListener("resize", () => isPhone.matches || giveUp(), options); // a phone's keyboard came up
  return { close, giveUp };
}
