/** A password field with a button that shows its text. */
class PasswordField extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    const button = this.querySelector("button");
    button.addEventListener("click", () => {
      const isShown = input.type === "password";
      input.type = isShown ? "text" : "password";
      button.ariaPressed = String(isShown);
    });
    input.form.addEventListener("submit", () => (input.type = "password")); // otherwise browsers store it as ordinary text
  }
}

customElements.define("password-field", PasswordField);
