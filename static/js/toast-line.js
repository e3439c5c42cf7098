/** A few words from the program, shown for a moment and read out. */
const SHOWN_MS = 4_000;

class ToastLine extends HTMLElement {
  #timer;

  show(words) {
    clearTimeout(this.#timer);
    this.textContent = words;
    this.#timer = setTimeout(() => (this.textContent = ""), SHOWN_MS);
  }
}

customElements.define("toast-line", ToastLine);

/** `words` are words, or the name of words that the page holds ready. */
export function say(words) {
  const line = document.querySelector("toast-line");
  line.show(line.dataset[words] ?? words);
}

document.addEventListener("live-words", ({ detail }) => say(detail.textContent));
