/** Where a message is written: keys, growing, answering, changing; the outbox takes it from there. */
import { act } from "./acts.js";
import { Subject } from "./composer-subject.js";
import { ComposerText } from "./composer-text.js";
import { Draft } from "./drafts.js";
import { answerEarlier, changeLast } from "./earlier.js";
import { pickInto } from "./emoji-pane.js";
import { post } from "./outbox.js";
import { isTouch } from "./popup.js";
import { tellTyping } from "./typing-line.js";
import { uuid7 } from "./uuid.js";

class MessageComposer extends HTMLElement {
  #form = this.querySelector("form");
  #box = this.querySelector("textarea");
  #text = new ComposerText(this);
  #history = document.querySelector("message-history");
  #subject = new Subject(this.querySelector(".composer__subject"));
  #draft;
  #aside = "";
  #life;

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    document.addEventListener("reply-chosen", ({ detail }) => this.#answer(detail), { signal });
    document.addEventListener("edit-chosen", ({ detail }) => this.#change(detail), { signal });
    this.#form.addEventListener("submit", (event) => this.#submitted(event));
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    this.#box.addEventListener("input", () => this.#typed());
    this.querySelector(".composer__subject button").addEventListener("click", () => this.#giveUp());
    this.querySelector(".composer__emoji").addEventListener("click", ({ currentTarget }) => pickInto(this.#box, currentTarget));
    const { draft: url, limit } = this.dataset;
    this.#draft = new Draft({ conversation: this.#conversation, url, saved: this.#box.defaultValue, limit: Number(limit) });
    for (const name of ["pagehide", "visibilitychange", "live-ready"]) {
      addEventListener(name, () => this.#draft.save(), { signal, capture: true });
    }
    document.addEventListener("live-membership", ({ detail }) => this.#hearDraft(detail.dataset), { signal });
    if (this.#box.value === this.#box.defaultValue) this.#text.value = this.#draft.text;
    if (!isTouch) this.#box.focus();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#draft.save();
  }

  get #conversation() {
    return this.#history.dataset.conversation;
  }

  #submitted(event) {
    event.preventDefault();
    const body = this.#text.value.trim();
    this.#box.focus();
    if (!this.#text.isSendable) return;
    if (this.#subject.edit) this.#saveEdit(this.#subject.edit, body);
    else this.#send(body, this.#subject.reply);
  }

  #send(body, reply) {
    const { id: replyTo, ...quote } = reply ?? {};
    post({
      id: uuid7(), url: this.#form.action, conversation: this.#conversation, body, at: Date.now(),
      ...(replyTo && { replyTo, quote }),
    });
    this.#subject.choose(null);
    this.#write("");
    this.#draft.save();
    tellTyping(this.#conversation, false);
  }

  async #saveEdit({ url, id }, body) {
    if (await act(url, { body }) && this.#subject.edit?.id === id) this.#giveUp();
  }

  #answer(message) {
    if (this.#subject.edit) this.#giveUp();
    this.#subject.choose(message);
    this.#box.focus();
  }

  #change(message) {
    if (!this.#subject.edit) this.#aside = this.#text.value;
    this.#subject.choose(message);
    this.#write(message.text);
    this.#box.focus();
  }

  /** Whatever one was writing before comes back. */
  #giveUp() {
    const wasEdit = this.#subject.edit;
    this.#subject.choose(null);
    if (wasEdit) this.#write(this.#aside);
    this.#box.focus();
  }

  #pressed(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !isTouch) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "Escape") this.#giveUp();
    else if (event.key === "ArrowUp" && event.altKey && !event.shiftKey) answerEarlier(this.#history, this.#subject.reply);
    else if (event.key === "ArrowUp" && !this.#text.value && changeLast(this.#history)) event.preventDefault();
  }

  #write(text) {
    this.#text.value = text;
    this.#keep();
  }

  #typed() {
    this.#text.show();
    this.#keep();
    tellTyping(this.#conversation, this.#text.value !== "" && !this.#subject.edit);
  }

  #keep() {
    if (!this.#subject.edit) this.#draft.keep(this.#text.value);
  }

  #hearDraft({ conversation, draft }) {
    if (conversation !== this.#conversation || !this.#draft.hear(draft) || this.#subject.edit) return;
    this.#text.value = draft;
  }
}

customElements.define("message-composer", MessageComposer);
