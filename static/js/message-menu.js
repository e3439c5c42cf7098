/** The menu of a message and the ways to open it: buttons, a right click, a long press and keys. */
import { cloneTemplate, fetchFragment } from "./fragments.js";
import { chooseEdit, chooseReply, copyText, isMine, pickReaction, plainTextOf, toggleReaction } from "./message-actions.js";
import { showDialog } from "./modal-dialog.js";
import { openPopup, placeBeside } from "./overlays.js";
import { messageUrl } from "./urls.js";

const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

class MessageMenu extends HTMLElement {
  #id;
  #popup;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("keydown", (event) => this.#pressed(event));
  }

  disconnectedCallback() {
    this.#popup?.close();
  }

  /** The message whose menu is open. Its element may have been replaced. */
  get #article() {
    return document.getElementById(this.#id);
  }

  /** Show the actions of every member immediately, until the server's menu arrives; or only the reactions. */
  open(article, part = "all") {
    const id = (this.#id = article.id);
    this.#popup?.close();
    this.dataset.part = part;
    this.replaceChildren(initialMenu(article));
    article.classList.add("message--chosen");
    const onClose = () => {
      this.#id = undefined;
      document.getElementById(id)?.classList.remove("message--chosen");
    };
    this.#popup = openPopup(this, article, onClose);
    this.#first.focus();
    this.#complete(article);
  }

  async #complete(article) {
    const { id } = article;
    const menu = await fetchFragment(messageUrl(article, "menu")).catch(() => null);
    if (!menu || id !== this.#id || !this.#article) return;
    const focused = this.#items.find((item) => item === document.activeElement);
    this.replaceChildren(menu);
    placeBeside(this, this.#article);
    const isSame = ({ dataset, value }) => dataset.action === focused?.dataset.action && value === focused?.value;
    if (focused) (this.#items.find(isSame) ?? this.#first).focus();
  }

  get #items() {
    return [...this.querySelectorAll("[role^=menuitem]")].filter((item) => item.checkVisibility());
  }

  get #first() {
    return this.#items.find((item) => item.matches(this.dataset.part === "reactions" ? "[name=emoji]" : ".menu__item"));
  }

  #clicked(event) {
    if (event.target.closest("[name=emoji]")) return this.#popup.dismiss(); // the form is submitted
    const item = event.target.closest("[data-action]");
    if (!item) return;
    event.preventDefault();
    const article = this.#article;
    this.#popup.dismiss();
    const actions = {
      reply: () => chooseReply(article),
      edit: () => chooseEdit(article),
      copy: () => copyText(article),
      pick: () => pickReaction(article),
      show: () => showDialog(item.href),
    };
    actions[item.dataset.action]();
  }

  #pressed(event) {
    const items = this.#items;
    const step = STEPS[event.key];
    if (event.key === "Tab") this.#popup.dismiss();
    else if (step) items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
    else if (event.key === "Home") items[0].focus();
    else if (event.key === "End") items.at(-1).focus();
    else return;
    event.preventDefault();
  }
}

/** Return the menu's template, filled in for this message. */
function initialMenu(article) {
  const menu = cloneTemplate("message-menu-template");
  menu.action = messageUrl(article, "reactions");
  menu.querySelector("[data-action=show]").href = messageUrl(article, "info");
  if (!plainTextOf(article)) menu.querySelector("[data-action=copy]").remove();
  for (const button of menu.querySelectorAll("[name=emoji]")) {
    const chips = [...article.querySelectorAll("button.reaction")];
    const isGiven = chips.some((chip) => chip.value === button.value && isMine(chip));
    button.ariaChecked = String(isGiven);
    if (isGiven) button.setAttribute("formaction", messageUrl(article, "reactions/withdraw"));
  }
  return menu;
}

customElements.define("message-menu", MessageMenu);

export function openMenu(article, part) {
  document.querySelector("message-menu").open(article, part);
}

/** Show small buttons at the message that has the pointer or the focus. */

const LONG_PRESS_MS = 450;
const STILL_PX = 10;
const TEXTS = ".conversation:not(.conversation--closed) .message--text[data-seq]";

export function addMessageTools(history) {
  const tools = cloneTemplate("message-tools");
  const follow = ({ target }) => {
    const article = target.closest(TEXTS);
    if (article && tools.parentElement !== article) article.append(tools);
  };
  history.addEventListener("pointerover", follow);
  history.addEventListener("focusin", follow);
  history.addEventListener("pointerleave", () => tools.contains(document.activeElement) || tools.remove());
  history.addEventListener("click", ({ target }) => {
    const tool = target.closest("[data-tool]")?.dataset.tool;
    if (tool === "react") openMenu(target.closest(".message"), "reactions");
    if (tool === "menu") openMenu(target.closest(".message"));
    if (tool === "reply") chooseReply(target.closest(".message"));
    if (target.matches(".message__more")) unfold(target.closest(".message"));
    const chip = target.closest("button.reaction");
    if (chip) toggleReaction(chip);
  });
  history.addEventListener("dblclick", ({ target }) => {
    const article = target.closest(TEXTS);
    if (!article || target.closest("a, button")) return;
    getSelection().removeAllRanges(); // the double click has selected a word
    chooseReply(article);
  });
  listenForLongPresses(history);
  listenForKeys(history);
}

/** Show the whole of a long message. The button disappears, so the focus must move. */
function unfold(article) {
  article.classList.add("message--unfolded");
  article.tabIndex = -1;
  article.focus({ preventScroll: true });
}

function listenForLongPresses(history) {
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
    const article = event.target.closest(TEXTS);
    const wantsBrowsers = event.target.closest("a") || !getSelection().isCollapsed; // to copy a link or a part of the text
    if (!article || (event.pointerType === "mouse" && wantsBrowsers)) return;
    event.preventDefault();
    if (event.pointerType === "mouse") openMenu(article);
  });
}

/** Ignore the click that ends a long press: the menu may have opened under the finger. */
function swallowRelease() {
  const lifetime = new AbortController();
  const options = { capture: true, signal: lifetime.signal };
  document.addEventListener("pointerdown", () => lifetime.abort(), options);
  document.addEventListener("click", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  }, options);
}

/** Arrow keys move between messages; Enter and the menu key open the menu. */
function listenForKeys(history) {
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

/** Focus the next or previous message. From the history itself, focus the last visible one. */
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
