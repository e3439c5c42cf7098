/** Says so when the connection is gone for longer than a blip. */
const BLIP_MS = 1_000;

class ConnectionBanner extends HTMLElement {
  #timer;

  connectedCallback() {
    document.addEventListener("socket-open", () => this.#hide());
    document.addEventListener("socket-lost", () => this.#showSoon());
    addEventListener("online", () => this.textContent && this.#show());
    this.#showSoon();
  }

  #showSoon() {
    this.#timer ??= setTimeout(() => this.#show(), BLIP_MS);
  }

  #show() {
    this.textContent = navigator.onLine ? this.dataset.connecting : this.dataset.offline;
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.textContent = "";
  }
}

customElements.define("connection-banner", ConnectionBanner);
