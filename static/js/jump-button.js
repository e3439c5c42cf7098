/** Leads back to the newest message, and counts what came meanwhile. */
class JumpButton extends HTMLElement {
  #button = this.querySelector("button");
  #badge = this.querySelector(".badge");
  #history = this.parentElement.querySelector("message-history");

  connectedCallback() {
    this.#button.addEventListener("click", () => this.#history.toEnd());
    this.#history.addEventListener("scroll", () => this.#update(), { passive: true });
    this.#history.addEventListener("history-grew", ({ detail }) => this.#count(detail));
    requestAnimationFrame(() => this.#update());
  }

  #count(article) {
    if (this.#history.isAtEnd || article.dataset.sender === document.body.dataset.user) return this.#update();
    this.#badge.textContent = Number(this.#badge.textContent) + 1;
    this.#update();
  }

  #update() {
    this.#button.hidden = this.#history.isAtEnd;
    if (this.#history.isAtEnd) this.#badge.textContent = "";
  }
}

customElements.define("jump-button", JumpButton);
