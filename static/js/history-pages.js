/** Loads earlier and later pages of a history and preserves the scroll position. */
import { fetchFragment } from "./fragments.js";
import { arrange } from "./message-display.js";

const AHEAD = "400px 0px";
const SILENCE_MS = 500; // screen readers are notified with a delay

export class HistoryPages {
  #history;
  #observer;
  #timer;

  constructor(history) {
    this.#history = history;
    this.#observer = new IntersectionObserver((entries) => this.#reached(entries), { root: history, rootMargin: AHEAD });
    history.addEventListener("click", (event) => this.#clicked(event));
  }

  /** Observe the links to other pages. Call it after the links may have changed. */
  watch() {
    this.#observer.disconnect();
    for (const link of this.#history.querySelectorAll(".history__more")) this.#observer.observe(link);
  }

  stop() {
    this.#observer.disconnect();
  }

  #reached(entries) {
    for (const { isIntersecting, target } of entries) if (isIntersecting) this.#load(target);
  }

  #clicked(event) {
    const link = event.target.closest(".history__more");
    if (!link) return;
    event.preventDefault();
    event.stopPropagation();
    this.#load(link);
  }

  async #load(link) {
    if (link.ariaBusy) return;
    link.ariaBusy = "true";
    try {
      const page = await fetchFragment(this.#history.dataset.url + link.search);
      this.#silently(() => this.#insert(link, page));
      this.watch();
    } catch {
      link.ariaBusy = null; // a click or scrolling there again retries
    }
  }

  /** Change the log without an announcement by screen readers, because earlier messages are not new. */
  #silently(change) {
    clearTimeout(this.#timer);
    this.#history.ariaBusy = "true";
    change();
    this.#timer = setTimeout(() => (this.#history.ariaBusy = null), SILENCE_MS);
  }

  /** Return the link to the next page if messages arrived while the last page was being loaded. */
  #missed(link, page) {
    if (Number(page.dataset.lastSeq) >= Number(this.#history.dataset.lastSeq)) return null;
    link.search = `?after=${page.dataset.lastSeq}`;
    link.ariaBusy = null;
    return link;
  }

  #insert(link, page) {
    const history = this.#history;
    const isOlder = link.rel === "prev";
    const edge = isOlder ? page.querySelector("[rel=prev], .beginning") : (page.querySelector("[rel=next]") ?? this.#missed(link, page));
    const articles = [...page.querySelectorAll(".message")].filter((article) => !document.getElementById(article.id));
    const fromEnd = history.scrollHeight - history.scrollTop;
    const line = edge ? [edge] : [];
    link.replaceWith(...(isOlder ? [...line, ...articles] : [...articles, ...line]));
    arrange(history, articles);
    if (isOlder) history.scrollTop = history.scrollHeight - fromEnd;
  }
}
