/** The scroll position of a history: where it starts, how it follows new messages, and jumps within it. */
import { focusComposer } from "./focus.js";
import { cloneTemplate } from "./fragments.js";
import { messagesOf, seqOf } from "./message-order.js";
import { showToast } from "./toast.js";

const FOUND_MS = 2_000;

/** Scroll to the requested message, else to the first unread one, else to the end. */
export function scrollToStart(history) {
  const { around, ownReadSeq } = history.dataset;
  const from = (seq) => messagesOf(history).find((article) => seqOf(article) >= seq);
  const unread = from(Number(ownReadSeq) + 1);
  if (unread?.dataset.seq) unread.before(cloneTemplate("unread-divider"));
  if (around) highlight(from(Number(around)));
  else if (unread) unread.scrollIntoView({ block: "center" });
  else history.scrollToEnd();
}

function highlight(article) {
  if (!article) return;
  article.scrollIntoView({ block: "center" });
  article.classList.add("message--found");
  setTimeout(() => article.classList.remove("message--found"), FOUND_MS);
}

/** A click on a quote leads to the original, which is loaded if necessary. */
export function followQuotes(history) {
  history.addEventListener("click", async (event) => {
    const quote = event.target.closest("a.message__quote");
    if (!quote || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const original = () => document.getElementById(`message-${quote.dataset.message}`);
    if (!original()) await history.reload(quote.search).catch(() => showToast("failed"));
    else highlight(original());
    if (!original()) return;
    original().tabIndex = -1;
    original().focus({ preventScroll: true });
  }, { capture: true });
}

/** Keeps a history at its end while messages arrive or the window shrinks, unless the user has scrolled up. */
const NEAR_PX = 120;

export class EndOfHistory {
  isReached = true;
  #history;
  #height;

  constructor(history) {
    this.#history = history;
    history.addEventListener("scroll", () => this.update(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(history);
  }

  /** Ignore the scroll events that the browser sends while it resizes the window. */
  update() {
    const { isComplete, scrollHeight, scrollTop, clientHeight } = this.#history;
    if (clientHeight !== (this.#height ?? clientHeight)) return;
    this.isReached = isComplete && scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #resized() {
    this.#height = this.#history.clientHeight;
    if (this.isReached) this.#history.scrollToEnd();
  }
}

/** Make a change without moving the message that is at the top of the screen. */
export function preserveScroll(history, change) {
  const { top } = history.getBoundingClientRect();
  const anchor = messagesOf(history).find((article) => article.getBoundingClientRect().bottom > top);
  const before = topOf(anchor);
  change();
  const replacement = anchor && document.getElementById(anchor.id); // the change may have replaced the element
  if (replacement) history.scrollTop += topOf(replacement) - before;
}

function topOf(article) {
  return article?.getBoundingClientRect().top;
}

/** The button that leads to the newest message and shows the number of unread ones. */
class JumpButton extends HTMLElement {
  #button = this.querySelector("button");
  #badge = this.querySelector(".badge");
  #history = this.parentElement.querySelector("message-history");

  connectedCallback() {
    this.#button.addEventListener("click", () => this.#jump());
    this.#history.addEventListener("scroll", () => this.#update(), { passive: true });
    this.#history.addEventListener("history-grew", () => this.#update());
    const watch = { attributeFilter: ["data-own-read-seq", "data-last-seq"] };
    new MutationObserver(() => this.#update()).observe(this.#history, watch);
    requestAnimationFrame(() => this.#update());
  }

  /** The button disappears, so the focus must move. */
  async #jump() {
    focusComposer();
    await this.#history.toEnd();
  }

  #update() {
    const { lastSeq, ownReadSeq } = this.#history.dataset;
    this.#button.hidden = this.#history.isAtEnd;
    this.#badge.textContent = Math.max(0, lastSeq - ownReadSeq) || "";
  }
}

customElements.define("jump-button", JumpButton);
