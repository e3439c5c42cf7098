/** What a composer's text is about: a message it answers, one it changes, or nothing in particular. */
import { fillQuote } from "./pending.js";

export class Subject {
  #box;
  #chosen = null;

  constructor(box) {
    this.#box = box;
    const id = box.closest("form").elements.reply_to.value;
    const [author, text] = [...box.querySelector(".message__quote").children].map((part) => part.textContent);
    if (id) this.#chosen = { id, author, text };
  }

  /** `{id, author, text}` of the message that is answered. */
  get reply() {
    return this.#chosen?.url ? null : this.#chosen;
  }

  /** `{id, url, text}` of the message that is changed. */
  get edit() {
    return this.#chosen?.url ? this.#chosen : null;
  }

  choose(message) {
    this.#chosen = message;
    this.#box.hidden = !message;
    if (message) fillQuote(this.#box, { author: this.#box.dataset.edit, ...message });
  }
}
