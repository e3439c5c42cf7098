/** Whoever is ticked moves up among the chosen, so that the next search does not lose them. */
class PeoplePicker extends HTMLElement {
  #chosen = this.querySelector(".picker__chosen");

  connectedCallback() {
    this.addEventListener("change", ({ target }) => this.#moved(target));
    this.addEventListener("keydown", (event) => this.#pressed(event));
    this.addEventListener("htmx:afterSettle", () => this.#dropRepeated());
  }

  #moved(box) {
    const pick = box.closest(".pick");
    if (!pick) return;
    if (box.checked) this.#chosen.append(pick);
    else pick.remove();
    this.querySelector("[name=search]").focus();
  }

  /** Enter while searching must not send the form. */
  #pressed(event) {
    if (event.key === "Enter" && event.target.name === "search") event.preventDefault();
  }

  #dropRepeated() {
    for (const pick of this.querySelectorAll(".people .pick")) {
      const { value } = pick.querySelector("input");
      if (this.#chosen.querySelector(`[value="${CSS.escape(value)}"]`)) pick.remove();
    }
  }
}

customElements.define("people-picker", PeoplePicker);
