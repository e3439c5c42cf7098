/** The ways to a message's menu: small buttons that follow pointer and focus, a long press, keys. */
import { mold } from "./fragments.js";
import { chooseReply, toggleReaction } from "./message-acts.js";
import { openMenu } from "./message-menu.js";

const LONG_PRESS_MS = 450;
const STILL_PX = 10;
const TEXTS = ".message--text[data-seq]";

export function offerTools(history) {
  const tools = mold("message-tools");
  const follow = ({ target }) => {
    const article = target.closest(TEXTS);
    if (article && tools.parentElement !== article) article.append(tools);
  };
  history.addEventListener("pointerover", follow);
  history.addEventListener("focusin", follow);
  history.addEventListener("pointerleave", () => tools.contains(document.activeElement) || tools.remove());
  history.addEventListener("click", ({ target }) => {
    const tool = target.closest("[data-tool]")?.dataset.tool;
    if (tool === "menu") openMenu(target.closest(".message"));
    if (tool === "reply") chooseReply(target.closest(".message"));
    const chip = target.closest("button.reaction");
    if (chip) toggleReaction(chip);
  });
  hearLongPresses(history);
  hearKeys(history);
}

function hearLongPresses(history) {
  let timer, from;
  const stop = () => clearTimeout(timer);
  history.addEventListener("pointerdown", (event) => {
    stop();
    const article = event.target.closest(TEXTS);
    if (event.pointerType === "mouse" || !article) return;
    from = event;
    timer = setTimeout(() => {
      swallowRelease();
      navigator.vibrate?.(10);
      openMenu(article);
    }, LONG_PRESS_MS);
  });
  history.addEventListener("pointermove", ({ clientX, clientY }) => {
    if (from && Math.hypot(clientX - from.clientX, clientY - from.clientY) > STILL_PX) stop();
  });
  for (const end of ["pointerup", "pointercancel", "scroll"]) history.addEventListener(end, stop);
  history.addEventListener("contextmenu", (event) => {
    if (from?.pointerType === "touch" && event.target.closest(TEXTS)) event.preventDefault();
  });
}

/** The menu may have come up under the finger. */
function swallowRelease() {
  const life = new AbortController();
  const options = { capture: true, signal: life.signal };
  document.addEventListener("pointerdown", () => life.abort(), options);
  document.addEventListener("click", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  }, options);
}

/** Arrows lead from message to message, Enter and the menu key open the menu. */
function hearKeys(history) {
  history.addEventListener("keydown", (event) => {
    const article = event.target.closest(".message");
    const isOnMessage = article === event.target;
    if (event.target !== history && !isOnMessage) return;
    const opens = ["Enter", "ContextMenu"].includes(event.key) || (event.key === "F10" && event.shiftKey);
    if (event.key === "ArrowUp" && !event.altKey) focusBeside(history, article, -1);
    else if (event.key === "ArrowDown" && !event.altKey) focusBeside(history, article, 1);
    else if (event.key === "Escape") document.getElementById("message-body")?.focus();
    else if (opens && isOnMessage && article.matches(TEXTS)) openMenu(article);
    else return;
    event.preventDefault();
  });
}

/** From the history itself: to the last message that can be seen. */
function focusBeside(history, article, step) {
  const messages = [...history.querySelectorAll(".message")];
  const { bottom } = history.getBoundingClientRect();
  const shown = messages.findLastIndex((message) => message.getBoundingClientRect().top < bottom - 20);
  const next = article ? messages[messages.indexOf(article) + step] : messages[shown];
  if (!next) return;
  next.tabIndex = -1;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}
