/**
 * The emoji picker, loaded when it is first opened. It is a popup, but on a phone it stands below the message box like
 * a keyboard, so that the text stays visible.
 */
import { focusComposer } from "./focus.js";
import { isPhone, isTouch, layerClosed, layerOpened, openPopup } from "./overlays.js";
import { showToast } from "./toast.js";

const characters = new Intl.Segmenter();

class EmojiPane extends HTMLElement {
  #popup;
  #picker;
  #choose;
  #box;

  connectedCallback() {
    this.addEventListener("emoji-click", ({ detail }) => this.#choose(detail.unicode));
    this.addEventListener("click", ({ target }) => this.#pressed(target.closest("[data-key]")?.dataset.key));
  }

  disconnectedCallback() {
    this.#popup?.close();
  }

  get isOpen() {
    return this.popover === null || this.matches(":popover-open");
  }

  /** Open the picker. `box` is the text box that receives the emoji, if there is one. */
  async open(anchor, choose, box) {
    this.#choose = choose;
    this.#box = box;
    if (!this.#picker) await this.#load().catch(() => showToast("failed"));
    if (!this.#picker || !this.isConnected) return;
    this.#popup?.close();
    this.#popup = box && isPhone.matches ? this.#openBelow(box) : openPopup(this, anchor);
    const first = isTouch ? "[role=tab]" : "input";
    requestAnimationFrame(() => this.#picker.shadowRoot.querySelector(first)?.focus());
  }

  close() {
    this.#popup.dismiss();
  }

  /** Show the picker below the message box until the box gets the focus again. */
  #openBelow(box) {
    const lifetime = new AbortController();
    const close = () => {
      lifetime.abort();
      layerClosed(this);
      this.popover = "manual";
    };
    const dismiss = () => {
      close();
      focusComposer();
    };
    this.popover = null;
    layerOpened(this, dismiss);
    box.addEventListener("focus", close, { signal: lifetime.signal });
    isPhone.addEventListener("change", close, { signal: lifetime.signal });
    this.addEventListener("keydown", ({ key }) => key === "Escape" && dismiss(), { signal: lifetime.signal });
    return { close, dismiss };
  }

  #pressed(key) {
    if (key === "close") this.close();
    if (key === "erase") erase(this.#box);
  }

  async #load() {
    const parts = [import(this.dataset.picker), import(this.dataset.words)];
    const [{ default: Picker }, { default: i18n }] = await Promise.all(parts);
    if (this.#picker) return;
    this.#picker = new Picker({ dataSource: this.dataset.names, i18n, locale: document.documentElement.lang });
    this.append(this.#picker);
  }
}

customElements.define("emoji-pane", EmojiPane);

/** Pick one emoji and close the picker. */
export function pickEmoji(anchor, choose) {
  const pane = document.querySelector("emoji-pane");
  pane.open(anchor, (emoji) => {
    pane.close();
    choose(emoji);
  });
}

/** Insert emoji into a text box until the picker is closed; a second call closes it. */
export function pickInto(box, anchor) {
  const pane = document.querySelector("emoji-pane");
  if (pane.isOpen) return pane.close();
  pane.open(anchor, (emoji) => write(box, emoji, box.selectionStart), box);
}

/** Delete the selection, or the character before the cursor. */
function erase(box) {
  const { selectionStart: start, selectionEnd: end, value } = box;
  const before = [...characters.segment(value.slice(0, start))].at(-1);
  write(box, "", start === end && before ? before.index : start);
}

function write(box, text, from) {
  box.setRangeText(text, from, box.selectionEnd, "end");
  box.dispatchEvent(new Event("input"));
}
