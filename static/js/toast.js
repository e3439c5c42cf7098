/** Short messages that are shown for a moment and read out by screen readers. */
const SHOWN_MS = 4_000;

class ToastLine extends HTMLElement {
  #timer;

  show(text) {
    clearTimeout(this.#timer);
    this.textContent = text;
    this.#timer = setTimeout(() => (this.textContent = ""), SHOWN_MS);
  }
}

customElements.define("toast-line", ToastLine);

/** Show a text, or one of the texts in the data attributes of the toast line, by its name. */
export function showToast(text) {
  const line = moveIntoTopLayer();
  const name = text === "failed" && !navigator.onLine ? "offline" : text;
  line.show(line.dataset[name] ?? text);
}

/** Move the line into an open dialog: outside of it, nothing is visible or read out. */
function moveIntoTopLayer() {
  const line = document.querySelector("toast-line");
  const place = document.querySelector("dialog[open]") ?? document.body;
  if (line.parentElement !== place) place.append(line);
  return line;
}

document.addEventListener("live-toast", ({ detail }) => showToast(detail.textContent));
document.addEventListener("close", moveIntoTopLayer, { capture: true }); // a closed dialog hides its content
