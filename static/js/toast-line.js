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
  const line = comeAlong();
  line.show(line.dataset[words] ?? words);
}

/** Outside an open dialog nothing is read out, and what is below it is not seen. */
function comeAlong() {
  const line = document.querySelector("toast-line");
  const place = document.querySelector("dialog[open]") ?? document.body;
  if (line.parentElement !== place) place.append(line);
  return line;
}

document.addEventListener("live-words", ({ detail }) => say(detail.textContent));
document.addEventListener("close", comeAlong, { capture: true }); // a dialog hides what is in it
