/** The list of conversations, kept true while things happen in them. */
import { fetchFragment } from "./fragments.js";
import { tell } from "./hearing.js";
import { localise } from "./times.js";
import { noteReceipt } from "./receipts.js";
import { isLookedAt } from "./reading.js";
import { count, isKeptAlike, moveWatermarks, preview, showDraft, unread } from "./row.js";
import { insertInOrder } from "./row-order.js";
import { searchInPlace } from "./search-in-place.js";

const LEAVING_MS = 500; // whoever left by themselves is being led away already
const me = document.body.dataset.user;

class ConversationList extends HTMLElement {
  #heads = new Map();

  connectedCallback() {
    const on = (name, act) => document.addEventListener(name, ({ detail }) => act(detail));
    on("live-message", (article) => this.#hear(article));
    on("live-receipt", ({ dataset }) => this.#withRow(dataset, (row) => moveWatermarks(row, dataset)));
    on("live-membership", (news) => this.#withRow(news.dataset, (row) => this.#keep(row, news)));
    on("live-conversation", ({ dataset }) => this.#refresh(dataset.conversation));
    on("live-removed", ({ dataset }) => this.#remove(dataset.conversation));
    on("live-ready", (heads) => this.#compare([...heads.children]));
    on("htmx:load", ({ elt }) => this.#dropRepeated(elt));
    searchInPlace(this);
  }

  /** The row of this conversation exists, or is being fetched. */
  ensure(conversation) {
    if (!this.#row(conversation)) this.#refresh(conversation);
  }

  #row(conversation) {
    return document.getElementById(`row-${conversation}`);
  }

  #withRow({ conversation }, act) {
    const row = this.#row(conversation);
    if (row) act(row);
  }

  #hear(article) {
    const { conversation, sender } = article.dataset;
    const seq = Number(article.dataset.seq);
    const row = this.#row(conversation);
    if (sender !== me) noteReceipt(conversation, { delivered_seq: seq });
    if (!row) return this.#refresh(conversation);
    if (seq < Number(row.dataset.lastSeq)) return; // an older message has changed
    const isNew = seq > Number(row.dataset.lastSeq);
    row.dataset.lastSeq = seq;
    preview(row, article);
    if (!isNew) return;
    this.#touch(row, article.querySelector("time").dateTime);
    if (sender === me && article.matches(".message--text")) this.#read(row, seq);
    else if (!this.#isOnScreen(conversation)) {
      count(row);
      tell("unread-grew", row);
    }
  }

  #keep(row, news) {
    this.#read(row, news.dataset.readSeq);
    if ("draft" in news.dataset) showDraft(row, news.dataset.draft);
    if (isKeptAlike(row, news)) return;
    this.#refresh(row.dataset.conversation);
    tell("kept-otherwise", row.dataset);
  }

  #touch(row, at) {
    row.dataset.active = at;
    row.querySelector("time").dateTime = at;
    localise(row);
    insertInOrder(this.querySelector("archived" in row.dataset ? ".rows--archived" : ".rows"), row);
  }

  #read(row, seq) {
    row.dataset.readSeq = Math.max(seq, row.dataset.readSeq);
    count(row);
  }

  /** How far everybody, and oneself on other devices, came meanwhile. */
  #moveOn(row, head) {
    moveWatermarks(row, head);
    this.#read(row, head.ownReadSeq);
  }

  #isOnScreen(conversation) {
    const history = document.querySelector("message-history");
    return history?.dataset.conversation === conversation && history.isAtEnd && isLookedAt();
  }

  async #refresh(conversation) {
    const fresh = await fetchFragment(`/chats/${conversation}/row`).catch(() => null);
    if (!fresh) return;
    const { lastSeq, active } = fresh.dataset;
    noteReceipt(conversation, { delivered_seq: Number(lastSeq) });
    localise(fresh);
    htmx.process(fresh);
    const row = this.#row(conversation);
    if (Number(row?.dataset.lastSeq) > Number(lastSeq)) return this.#refresh(conversation); // overtaken
    const hadFocus = row?.contains(document.activeElement);
    if (row) this.#read(fresh, row.dataset.readSeq); // it may have been read meanwhile
    const hasGrown = unread(fresh) > (row ? unread(row) : 0);
    if (row) row.replaceWith(fresh);
    this.#touch(fresh, active);
    if (hadFocus) fresh.querySelector("a").focus();
    tell("list-changed");
    if (hasGrown) tell("unread-grew", fresh);
  }

  /** Older chats may bring one that has come by itself before, and has heard the news since. */
  #dropRepeated(element) {
    if (!element.matches(".row[data-conversation]")) return;
    const row = this.#row(element.dataset.conversation);
    if (row === element) return;
    element.remove();
    insertInOrder(row.parentElement, row);
  }

  #remove(conversation) {
    this.#row(conversation)?.remove();
    setTimeout(() => location.pathname.startsWith(`/chats/${conversation}`) && location.assign("/"), LEAVING_MS);
  }

  /** What came, moved or went while nobody was listening; rows further down come when asked for. */
  #compare(heads) {
    const hasAllRows = !document.getElementById("more-rows");
    const isFirst = !this.#heads.size;
    const isThere = new Set(heads.map(({ value }) => value));
    for (const { dataset } of this.querySelectorAll(".row[data-conversation]")) {
      if (!isThere.has(dataset.conversation)) this.#row(dataset.conversation).remove();
    }
    for (const { value, dataset } of heads) {
      const lastSeq = Number(dataset.lastSeq);
      const row = this.#row(value);
      const unheardOf = isFirst && !hasAllRows ? lastSeq : -1;
      const known = row ? Number(row.dataset.lastSeq) : (this.#heads.get(value) ?? unheardOf);
      this.#heads.set(value, lastSeq);
      if (row && dataset.readSeq) this.#moveOn(row, dataset);
      if (lastSeq > known) this.#refresh(value);
      else if (lastSeq > Number(row?.dataset.deliveredSeq ?? lastSeq)) noteReceipt(value, { delivered_seq: lastSeq });
    }
  }
}

customElements.define("conversation-list", ConversationList);
