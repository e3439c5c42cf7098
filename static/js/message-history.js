/** The log of one conversation. It stays complete and in order while messages arrive and change. */
import { dispatch, fetchFragment } from "./fragments.js";
import { HistoryPages } from "./history-pages.js";
import { EndOfHistory, followQuotes, preserveScroll, scrollToStart } from "./history-scroll.js";
import { HistorySync } from "./history-sync.js";
import { arrange, place, showProfileChanges, showStatus, updateQuotes } from "./message-display.js";
import { addMessageTools } from "./message-menu.js";
import { advance, endOf, messagesOf, seqOf, versionOf } from "./message-order.js";
import { showPending } from "./pending-messages.js";
import { trackReading } from "./receipts.js";

class MessageHistory extends HTMLElement {
  #sync = new HistorySync(this);
  #end = new EndOfHistory(this);
  #pages;
  #lifetime;

  connectedCallback() {
    this.#lifetime = new AbortController();
    this.#pages = new HistoryPages(this);
    const { signal } = this.#lifetime;
    const on = (name, listener) => document.addEventListener(name, ({ detail }) => listener(detail), { signal });
    const own = (listener) => (root) => root.dataset.conversation === this.dataset.conversation && listener(root);
    on("live-message", own((article) => this.#receive(article)));
    on("live-version", own((version) => this.#sync.messageArrived(version)));
    on("live-receipt", own((receipt) => this.#moveWatermarks(receipt.dataset)));
    on("live-membership", own(({ dataset }) => advance(this, "ownReadSeq", dataset.readSeq)));
    on("live-ready", (heads) => this.#compare(heads));
    showPending(this, signal);
    trackReading(this, signal);
    showProfileChanges(this, signal);
    addMessageTools(this);
    followQuotes(this);
    this.addEventListener("focus", () => this.#markFocus());
    this.#start();
  }

  disconnectedCallback() {
    this.#lifetime.abort();
    this.#pages.stop();
  }

  /** Whether the newest message is loaded. */
  get isComplete() {
    return !this.querySelector("[rel=next]");
  }

  get isAtEnd() {
    return this.#end.isReached;
  }

  scrollToEnd() {
    this.scrollTop = this.scrollHeight;
  }

  async toEnd() {
    if (!this.isComplete) await this.reload();
    this.scrollToEnd();
  }

  /** Insert a message or replace its older version, if its page is loaded. */
  put(article) {
    const former = document.getElementById(article.id);
    if (former && versionOf(former) >= versionOf(article)) return;
    const isNew = seqOf(article) > Number(this.dataset.lastSeq);
    const follows = this.isAtEnd;
    if (isNew) advance(this, "lastSeq", seqOf(article));
    preserveScroll(this, () => this.#show(article, former));
    if (follows) this.scrollToEnd();
    if (isNew) this.dispatchEvent(new CustomEvent("history-grew", { detail: article }));
  }

  /** Fetch the newest page, or the one around a message, but keep messages that are not sent yet. */
  async reload(place = "") {
    const page = await fetchFragment(this.dataset.url + place);
    const isOpen = (article) => !article.dataset.seq && !page.querySelector(`#${article.id}`);
    const pending = messagesOf(this).filter(isOpen);
    for (const { name, value } of page.attributes) this.setAttribute(name, value);
    this.replaceChildren(...page.childNodes, ...pending);
    this.#start();
  }

  /** A history that was focused by a click needs no focus ring, not even when keys are pressed later. */
  #markFocus() {
    this.classList.toggle("history--clicked", !this.matches(":focus-visible"));
  }

  #start() {
    arrange(this, messagesOf(this));
    scrollToStart(this);
    this.#end.update();
    this.#pages.watch();
    this.#sync.check();
  }

  #receive(article) {
    this.put(article);
    this.#sync.messageArrived(article);
  }

  #isLoaded(article) {
    const first = this.querySelector("[rel=prev] ~ .message");
    const isEarlier = first && seqOf(article) < seqOf(first);
    return !isEarlier && (this.isComplete || seqOf(article) < seqOf(endOf(this)));
  }

  #show(article, former) {
    if (!former) article.classList.add("message--arrived");
    if (former || this.#isLoaded(article)) place(this, article);
    updateQuotes(this, article);
  }

  #compare(heads) {
    const head = [...heads.children].find(({ value }) => value === this.dataset.conversation);
    if (!head) return dispatch("live-removed", { dataset: { conversation: this.dataset.conversation } });
    this.#sync.compare(Number(head.dataset.version));
    if (head.dataset.readSeq) this.#moveWatermarks(head.dataset);
  }

  #moveWatermarks({ deliveredSeq, readSeq }) {
    advance(this, "deliveredSeq", deliveredSeq);
    advance(this, "readSeq", readSeq);
    for (const article of messagesOf(this)) showStatus(this, article);
  }
}

customElements.define("message-history", MessageHistory);
