/** Loads the pages before and after what is shown, and keeps the reader's place while doing so. */
import { fetchFragment } from "./fragments.js";
import { arrange } from "./message-places.js";

const AHEAD = "400px 0px";

export class HistoryPages {
  #history;
  #observer;

  constructor(history) {
    this.#history = history;
    this.#observer = new IntersectionObserver((entries) => this.#reached(entries), { root: history, rootMargin: AHEAD });
    history.addEventListener("click", (event) => this.#clicked(event));
  }

  /** To be called whenever the links may have changed. */
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
      this.#insert(link, await fetchFragment(this.#history.dataset.url + link.search));
      this.watch();
    } catch {
      link.ariaBusy = null; // a click, or coming back to it, tries again
    }
  }

  /** What came live while the last page was on its way is still to be loaded. */
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
