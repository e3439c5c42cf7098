/** The log of one conversation: keeps itself complete and in order while messages come and change. */
import { Changes } from "./changes.js";
import { EndOfHistory } from "./end-of-history.js";
import { fetchFragment } from "./fragments.js";
import { HistoryPages } from "./history-pages.js";
import { arrange, endOf, messagesOf, place, seqOf, showStatus, versionOf } from "./message-places.js";
import { showPending } from "./pending.js";
import { requote } from "./quotes.js";
import { noteReading } from "./reading.js";
import { keepPlace } from "./reading-place.js";
import { land, leadQuotes } from "./landing.js";
import { offerTools } from "./message-tools.js";

class MessageHistory extends HTMLElement {
  #changes = new Changes(this);
  #end = new EndOfHistory(this);
  #pages;
  #life;

  connectedCallback() {
    this.#life = new AbortController();
    this.#pages = new HistoryPages(this);
    const { signal } = this.#life;
    const on = (name, act) => document.addEventListener(name, ({ detail }) => act(detail), { signal });
    const here = (act) => (root) => root.dataset.conversation === this.dataset.conversation && act(root);
    on("live-message", here((article) => this.#receive(article)));
    on("live-receipt", here((receipt) => this.#moveWatermarks(receipt.dataset)));
    on("live-membership", here(({ dataset }) => (this.dataset.ownReadSeq = dataset.readSeq)));
    on("live-ready", (heads) => this.#compare(heads));
    showPending(this, signal);
    noteReading(this, signal);
    offerTools(this);
    leadQuotes(this);
    this.#begin();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#pages.stop();
  }

  /** Nothing newer is left to load. */
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

  /** Inserts a message, or replaces its older self. Pages that are not loaded stay that way. */
  put(article) {
    const former = document.getElementById(article.id);
    if (former && versionOf(former) >= versionOf(article)) return;
    const isNew = seqOf(article) > Number(this.dataset.lastSeq);
    const follows = this.isAtEnd;
    if (isNew) this.dataset.lastSeq = seqOf(article);
    keepPlace(this, () => this.#show(article, former));
    if (follows) this.scrollToEnd();
    if (isNew) this.dispatchEvent(new CustomEvent("history-grew", { detail: article }));
  }

  /** The newest page afresh, or the one around a message. */
  async reload(place = "") {
    const page = await fetchFragment(this.dataset.url + place);
    const isOpen = (article) => !article.dataset.seq && !page.querySelector(`#${article.id}`);
    const pending = messagesOf(this).filter(isOpen);
    for (const { name, value } of page.attributes) this.setAttribute(name, value);
    this.replaceChildren(...page.childNodes, ...pending);
    this.#begin();
  }

  #begin() {
    arrange(this, messagesOf(this));
    land(this);
    this.#end.look();
    this.#pages.watch();
    this.#changes.check();
  }

  #receive(article) {
    this.put(article);
    this.#changes.seen(article);
  }

  #isInReach(article) {
    const first = this.querySelector("[rel=prev] ~ .message");
    const isEarlier = first && seqOf(article) < seqOf(first);
    return !isEarlier && (this.isComplete || seqOf(article) < seqOf(endOf(this)));
  }

  #show(article, former) {
    if (!former) article.classList.add("message--arrived");
    if (former || this.#isInReach(article)) place(this, article);
    requote(this, article);
  }

  #compare(heads) {
    const head = [...heads.children].find(({ value }) => value === this.dataset.conversation);
    if (!head) return location.assign("/");
    this.#changes.compare(Number(head.dataset.version));
    if (head.dataset.readSeq) this.#moveWatermarks(head.dataset);
  }

  #moveWatermarks({ deliveredSeq, readSeq }) {
    this.dataset.deliveredSeq = Math.max(deliveredSeq, this.dataset.deliveredSeq);
    this.dataset.readSeq = Math.max(readSeq, this.dataset.readSeq);
    for (const article of messagesOf(this)) showStatus(this, article);
  }
}

customElements.define("message-history", MessageHistory);
