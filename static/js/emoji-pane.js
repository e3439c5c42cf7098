/** Every emoji there is, loaded when first asked for. */
import { isTouch, openPopup } from "./popup.js";
import { say } from "./toast-line.js";

class EmojiPane extends HTMLElement {
  #popup;
  #choose;

  connectedCallback() {
    this.addEventListener("emoji-click", ({ detail }) => this.#choose(detail.unicode));
  }

  disconnectedCallback() {
    this.#popup?.close();
  }

  get isOpen() {
    return this.matches(":popover-open");
  }

  async open(anchor, choose) {
    this.#choose = choose;
    if (!this.firstChild) await this.#load().catch(() => say("failed"));
    if (!this.firstChild || !this.isConnected) return;
    this.#popup?.close();
    this.#popup = openPopup(this, anchor);
    const first = isTouch ? "[role=tab]" : "input";
    requestAnimationFrame(() => this.firstChild.shadowRoot.querySelector(first)?.focus());
  }

  close() {
    this.#popup.giveUp();
  }

  async #load() {
    const parts = [import("../vendor/emoji-picker-element-1.29.1/picker.js"), import(this.dataset.words)];
    const [{ default: Picker }, { default: i18n }] = await Promise.all(parts);
    const locale = document.documentElement.lang;
    if (!this.firstChild) this.append(new Picker({ dataSource: this.dataset.names, i18n, locale }));
  }
}

customElements.define("emoji-pane", EmojiPane);

/** One emoji, then the pane closes. */
export function pickEmoji(anchor, choose) {
  const pane = document.querySelector("emoji-pane");
  pane.open(anchor, (emoji) => {
    pane.close();
    choose(emoji);
  });
}

/** As many as one likes, into a text; asking again closes the pane. */
export function pickInto(text, anchor) {
  const pane = document.querySelector("emoji-pane");
  if (pane.isOpen) return pane.close();
  pane.open(anchor, (emoji) => {
    text.setRangeText(emoji, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input"));
  });
}
