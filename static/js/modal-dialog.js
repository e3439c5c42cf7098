/** The page's one dialog: shows a page of ours over whatever is open. */
import { fetchFragment } from "./fragments.js";
import { localise } from "./times.js";
import { say } from "./toast-line.js";

const SETTLE_MS = 400;
const FOCUS_MS = 50;

class ModalDialog extends HTMLElement {
  #dialog = this.querySelector("dialog");
  #url;
  #timer;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("act-done", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#closed());
    for (const news of ["live-message", "live-receipt"]) {
      document.addEventListener(news, ({ detail }) => this.#heard(detail.dataset.conversation));
    }
  }

  async show(url) {
    this.#url = url;
    const content = await fetchFragment(url, { "HX-Target": "dialog" }).catch(() => say("failed"));
    if (!content || url !== this.#url) return;
    this.#fill(content);
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** Beside the words that are being said here. */
  #fill(content) {
    localise(content);
    this.#dialog.querySelector(".dialog__content")?.remove();
    this.#dialog.prepend(content);
    const heading = content.querySelector("h1");
    this.#dialog.setAttribute("aria-label", heading.textContent);
  }

  /** The frame stays, and with it how far one has scrolled and where the focus is. */
  async #refresh() {
    const url = this.#url;
    const content = await fetchFragment(url, { "HX-Target": "dialog" }).catch(() => null);
    if (!content || url !== this.#url) return;
    localise(content);
    this.querySelector(".sheet__body").replaceWith(content.querySelector(".sheet__body"));
  }

  /** Its own way back, and a click beside it, close it. */
  #clicked(event) {
    if (event.target !== this.#dialog && !event.target.closest(".bar__back, [data-closes]")) return;
    event.preventDefault();
    this.#dialog.close();
  }

  /** What is still on its way is not to open it again. */
  #closed() {
    this.#url = undefined;
    keepFocus();
  }

  #heard(conversation) {
    if (!this.querySelector(`[data-follows="${conversation}"]`)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#url && this.#refresh(), SETTLE_MS);
  }
}

/** What had the focus may be gone, such as the message that was deleted; the browser notices a moment later. */
function keepFocus() {
  setTimeout(() => {
    const hasNone = !document.activeElement || document.activeElement === document.body;
    if (hasNone) document.getElementById("message-body")?.focus();
  }, FOCUS_MS);
}

customElements.define("modal-dialog", ModalDialog);

export function showDialog(url) {
  document.querySelector("modal-dialog").show(url);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  showDialog(link.href);
}, { capture: true });
