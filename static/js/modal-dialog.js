/** The page's only dialog: it shows another page over the current one. */
import { focusComposer } from "./focus.js";
import { fetchFragment } from "./fragments.js";
import { layerClosed, layerOpened } from "./overlays.js";
import { localise } from "./times.js";
import { showToast } from "./toast.js";

const REFRESH_DELAY_MS = 400;
const FOCUS_MS = 50;
const FIELDS = ".sheet__body :is(input:not([type=hidden]), select, textarea)";

class ModalDialog extends HTMLElement {
  #dialog = this.querySelector("dialog");
  #url;
  #timer;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("form-done", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#closed());
    for (const news of ["live-message", "live-receipt"]) {
      document.addEventListener(news, ({ detail }) => this.#heard(detail.dataset.conversation));
    }
  }

  async show(url) {
    this.#url = url;
    const content = await fetchFragment(url, { "HX-Target": "dialog" }).catch(() => showToast("failed"));
    if (!content || url !== this.#url) return;
    this.#fill(content);
    if (!this.#dialog.open) this.#dialog.showModal();
    layerOpened(this.#dialog, () => this.#dialog.close());
    content.querySelector(`${FIELDS}, [data-closes]`)?.focus(); // the default would be the button that closes
  }

  /** Insert the content next to the toast line, which may be in the dialog. */
  #fill(content) {
    localise(content);
    this.#dialog.querySelector(".dialog__content")?.remove();
    this.#dialog.prepend(content);
    this.#offerToClose(content.querySelector(".bar__back"));
    const heading = content.querySelector("h1");
    this.#dialog.setAttribute("aria-label", heading.textContent);
  }

  /** The back link of a page becomes the close button of the dialog. */
  #offerToClose(link) {
    const button = document.createElement("button");
    button.className = link.className;
    button.type = "button";
    button.ariaLabel = button.title = this.dataset.close;
    link.replaceWith(button);
  }

  /** Replace the body only: the scroll position and the focus of the frame remain. */
  async #refresh() {
    const url = this.#url;
    const content = await fetchFragment(url, { "HX-Target": "dialog" }).catch(() => null);
    if (!content || url !== this.#url) return;
    localise(content);
    this.querySelector(".sheet__body").replaceWith(content.querySelector(".sheet__body"));
  }

  /** The back button, and a click outside, close the dialog. */
  #clicked(event) {
    if (event.target !== this.#dialog && !event.target.closest(".bar__back, [data-closes]")) return;
    event.preventDefault();
    this.#dialog.close();
  }

  /** Forget the URL, so that a late response does not open the dialog again. */
  #closed() {
    this.#url = undefined;
    layerClosed(this.#dialog);
    keepFocus();
  }

  #heard(conversation) {
    if (!this.querySelector(`[data-follows="${conversation}"]`)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#url && this.#refresh(), REFRESH_DELAY_MS);
  }
}

/** Focus the composer if the focused element was removed, such as a deleted message. The browser notices that later. */
function keepFocus() {
  setTimeout(() => {
    const hasNone = !document.activeElement || document.activeElement === document.body;
    if (hasNone) focusComposer();
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
