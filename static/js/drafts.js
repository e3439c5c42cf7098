/** What one began to write: kept in this tab at once, on the server after a pause, on other devices from there. */
import { token } from "./acts.js";
import { request } from "./fragments.js";

const PAUSE_MS = 1_000;

export class Draft {
  #key;
  #url;
  #saved;
  #limit;
  #timer;

  /** `saved` is what the server has, `limit` how many characters it keeps. */
  constructor({ conversation, url, saved, limit }) {
    this.#key = `draft:${document.body.dataset.user}:${conversation}`;
    this.#url = url;
    this.#saved = saved;
    this.#limit = limit;
  }

  get text() {
    return this.#unsaved ?? this.#saved;
  }

  get #unsaved() {
    return sessionStorage.getItem(this.#key);
  }

  keep(text) {
    sessionStorage.setItem(this.#key, text.trim() && text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), PAUSE_MS);
  }

  /** To be called when one leaves as well; it goes on after the page is gone. */
  async save() {
    clearTimeout(this.#timer);
    const text = this.#unsaved;
    if (text === null || [...text].length > this.#limit) return; // too much is kept whole here, not in part there
    if (text !== this.#saved && !(await this.#send(text))) return;
    this.#saved = text;
    if (this.#unsaved === text) sessionStorage.removeItem(this.#key);
  }

  async #send(text) {
    const headers = { "X-CSRFToken": token() };
    const body = new URLSearchParams({ text });
    const answer = request(this.#url, { method: "POST", body, headers, keepalive: true });
    return answer.then(({ ok }) => ok, () => false);
  }

  /** News from another device, or one's own, trimmed; answers whether they are to be shown here. */
  hear(text) {
    const isNews = text !== undefined && text.trim() !== this.#saved.trim() && this.#unsaved === null;
    if (isNews) this.#saved = text;
    return isNews;
  }
}
