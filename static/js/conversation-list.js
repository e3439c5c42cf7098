/** The list of conversations, kept up to date while events arrive. */
import { dispatch, fetchFragment } from "./fragments.js";
import { advance } from "./message-order.js";
import { attachListSearch } from "./list-search.js";
import { isWindowActive, queueReceipt } from "./receipts.js";
import { labelsOf } from "./message-actions.js";
import { hasSameSettings, insertInOrder, moveWatermarks, showDraft, showPendingPreview, showPreview, showProfile, showTyping, showUnread, unreadCount } from "./row.js";
import { localise } from "./times.js";
import { conversationUrl, isWithin } from "./urls.js";

const LINKS = ".rows .row__link";
const LEAVING_MS = 500; // a user who left is being redirected already
const me = document.body.dataset.user;

class ConversationList extends HTMLElement {
  #heads = new Map();
  #isPressed = false;
  #postponed = [];

  connectedCallback() {
    this.addEventListener("pointerdown", () => (this.#isPressed = true));
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => setTimeout(() => this.#release()));
    const on = (name, listener) => document.addEventListener(name, ({ detail }) => listener(detail));
    on("live-message", (article) => this.#receiveMessage(article));
    on("live-receipt", ({ dataset }) => this.#withRow(dataset, (row) => moveWatermarks(row, dataset)));
    on("live-membership", (membership) => this.#withRow(membership.dataset, (row) => this.#applyMembership(row, membership)));
    on("live-conversation", ({ dataset }) => this.#refresh(dataset.conversation));
    on("live-typing", (typing) => this.#withRow(typing.dataset, (row) => showTyping(row, typing)));
    on("live-removed", ({ dataset }) => this.#remove(dataset.conversation));
    on("live-profile", (profile) => this.#showProfile(profile));
    on("read-here", ({ conversation, seq }) => this.#withRow({ conversation }, (row) => this.#readHere(row, seq)));
    on("outbox-added", (entry) => this.#withRow(entry, (row) => this.#showPending(row, entry)));
    on("outbox-discarded", ({ conversation }) => this.#refresh(conversation));
    on("live-ready", (heads) => this.#compare([...heads.children]));
    on("htmx:load", ({ elt }) => this.#dropDuplicate(elt));
    attachListSearch(this);
    countArchived(this);
    keepSingleTabStop(this);
  }

  /** Fetch the row of a conversation if the list does not show it. */
  ensure(conversation) {
    if (!this.#row(conversation)) this.#refresh(conversation);
  }

  /** Move or replace rows, but not under a pressed pointer, because its click would be lost. */
  #rearrange(change) {
    if (this.#isPressed) this.#postponed.push(change);
    else change();
  }

  #release() {
    this.#isPressed = false;
    for (const change of this.#postponed.splice(0)) change();
  }

  #row(conversation) {
    return document.getElementById(`row-${conversation}`);
  }

  #withRow({ conversation }, callback) {
    const row = this.#row(conversation);
    if (row) callback(row);
  }

  #receiveMessage(article) {
    const { conversation, sender } = article.dataset;
    const seq = Number(article.dataset.seq);
    const row = this.#row(conversation);
    if (sender !== me) queueReceipt(conversation, { delivered_seq: seq });
    if (!row) return this.#refresh(conversation);
    if (seq < Number(row.dataset.lastSeq)) return; // an older message was changed
    const isNew = seq > Number(row.dataset.lastSeq);
    row.dataset.lastSeq = seq;
    showPreview(row, article);
    if (!isNew) return;
    const { dateTime } = article.querySelector("time");
    this.#rearrange(() => this.#touch(row, dateTime));
    if (sender === me) this.#read(row, seq);
    else if (!this.#isOnScreen(conversation)) {
      showUnread(row);
      dispatch("unread-increased", row);
    }
  }

  #applyMembership(row, membership) {
    this.#read(row, membership.dataset.readSeq);
    if ("draft" in membership.dataset) showDraft(row, membership.dataset.draft);
    if (hasSameSettings(row, membership)) return;
    this.#refresh(row.dataset.conversation);
    dispatch("settings-changed", row.dataset);
  }

  /** Show a message of the current user that waits in the outbox. */
  #showPending(row, { body, at, files }) {
    showPendingPreview(row, { text: body || labelsOf(files), kind: files[0]?.kind });
    this.#touch(row, new Date(at).toISOString());
  }

  #showProfile(profile) {
    for (const row of this.querySelectorAll(".row[data-conversation]")) showProfile(row, profile);
  }

  #touch(row, at) {
    row.dataset.active = at;
    row.querySelector("time").dateTime = at;
    localise(row);
    insertInOrder(this.querySelector("archived" in row.dataset ? ".rows--archived" : ".rows:not(.rows--archived)"), row);
  }

  #read(row, seq) {
    advance(row, "readSeq", seq);
    showUnread(row);
  }

  /** Remove the unread mark. The server removes it when it receives the receipt. */
  #readHere(row, seq) {
    delete row.dataset.markedUnread;
    this.#read(row, seq);
  }

  /** Apply the watermarks of the other members, and of the current user on other devices. */
  #advance(row, head) {
    moveWatermarks(row, head);
    this.#read(row, head.ownReadSeq);
  }

  #isOnScreen(conversation) {
    const history = document.querySelector("message-history");
    return history?.dataset.conversation === conversation && history.isAtEnd && isWindowActive();
  }

  async #refresh(conversation) {
    const fresh = await fetchFragment(conversationUrl(conversation, "row")).catch(() => null);
    if (fresh) this.#rearrange(() => this.#replace(conversation, fresh));
  }

  #replace(conversation, fresh) {
    const { lastSeq, active } = fresh.dataset;
    queueReceipt(conversation, { delivered_seq: Number(lastSeq) });
    localise(fresh);
    const row = this.#row(conversation);
    if (Number(row?.dataset.lastSeq) > Number(lastSeq)) return this.#refresh(conversation); // a newer message arrived during the request
    const hadFocus = row?.contains(document.activeElement);
    if (row) this.#read(fresh, row.dataset.readSeq); // it may have been read during the request
    const hasGrown = unreadCount(fresh) > (row ? unreadCount(row) : 0);
    if (row) row.replaceWith(fresh);
    this.#touch(fresh, active);
    htmx.process(fresh); // after it was inserted, because htmx inherits hx-boost from ancestors
    if (hadFocus) fresh.querySelector("a").focus();
    dispatch("list-changed");
    if (hasGrown) dispatch("unread-increased", fresh);
  }

  /** Keep the existing row when a page of older conversations contains it too: it has received more events. */
  #dropDuplicate(element) {
    if (!element.matches(".row[data-conversation]")) return;
    const row = this.#row(element.dataset.conversation);
    if (row === element) return;
    element.remove();
    insertInOrder(row.parentElement, row);
  }

  /** Remove the row. An open history stays readable; its other pages redirect to the list. */
  #remove(conversation) {
    const isAt = () => isWithin(conversationUrl(conversation), location.pathname);
    const isShown = () => document.querySelector("message-history")?.dataset.conversation === conversation;
    this.#row(conversation)?.remove();
    if (isAt() && !isShown()) setTimeout(() => isAt() && location.assign("/"), LEAVING_MS);
  }

  /** Compare the rows with the server's state after a connection. Rows that are not loaded stay so. */
  #compare(heads) {
    const hasAllRows = !this.querySelector("#more-rows, #more-archived");
    const isFirst = !this.#heads.size;
    const current = new Set(heads.map(({ value }) => value));
    for (const { dataset } of this.querySelectorAll(".row[data-conversation]")) {
      if (!current.has(dataset.conversation)) this.#row(dataset.conversation).remove();
    }
    for (const { value, dataset } of heads) {
      if ("unlisted" in dataset) continue; // an unlisted conversation may be open
      const lastSeq = Number(dataset.lastSeq);
      const row = this.#row(value);
      const missed = isFirst && !hasAllRows ? lastSeq : -1;
      const known = row ? Number(row.dataset.lastSeq) : (this.#heads.get(value) ?? missed);
      this.#heads.set(value, lastSeq);
      if (row && dataset.readSeq) this.#advance(row, dataset);
      if (lastSeq > known) this.#refresh(value);
      else if (lastSeq > Number(row?.dataset.deliveredSeq ?? lastSeq)) queueReceipt(value, { delivered_seq: lastSeq });
    }
  }
}

/** Keep the number beside “Archived” in step with the rows. A plus sign stands for rows that are not loaded. */
function countArchived(list) {
  const rows = list.querySelector(".rows--archived");
  const show = () => {
    const number = rows.querySelectorAll(".row[data-conversation]").length;
    list.querySelector(".archive__count").textContent = rows.querySelector("#more-archived") ? `${number}+` : String(number);
  };
  new MutationObserver(show).observe(rows, { childList: true });
}

/** Make the rows a single Tab stop: the open conversation, or the row that had the focus last. */
export function keepSingleTabStop(list) {
  const update = () => {
    const links = [...list.querySelectorAll(LINKS)];
    const shown = links.filter((link) => link.checkVisibility());
    const focused = shown.find((link) => link === document.activeElement);
    const current = shown.find((link) => link.getAttribute("aria-current") === "page");
    const stop = focused ?? current ?? shown.find((link) => link.tabIndex === 0) ?? shown[0];
    for (const link of links) link.tabIndex = link === stop ? 0 : -1;
  };
  for (const name of ["list-changed", "current-row-changed", "htmx:load"]) document.addEventListener(name, update);
  list.addEventListener("focusin", update);
  list.addEventListener("keydown", (event) => {
    if (!["Home", "End"].includes(event.key)) return;
    const shown = [...list.querySelectorAll(LINKS)].filter((link) => link.checkVisibility());
    (event.key === "Home" ? shown[0] : shown.at(-1))?.focus();
    event.preventDefault();
  });
  list.addEventListener("toggle", update, { capture: true });
  document.getElementById("search").addEventListener("input", update);
  update();
}

customElements.define("conversation-list", ConversationList);
