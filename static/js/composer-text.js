/** The box one writes into: it grows with its text, and counts what is left when it gets scarce. */
const COUNT_FROM = 200;
const growsByItself = CSS.supports("field-sizing", "content");

export class ComposerText {
  #box;
  #left;
  #send;
  #limit;

  constructor(composer) {
    this.#box = composer.querySelector("textarea");
    this.#left = composer.querySelector(".composer__left");
    this.#send = composer.querySelector(".composer__send");
    this.#limit = Number(composer.dataset.limit);
    this.#box.required = false; // blank is ignored, not complained about
  }

  get value() {
    return this.#box.value;
  }

  set value(text) {
    this.#box.value = text;
    this.show();
  }

  get isSendable() {
    return this.#box.value.trim() !== "" && this.#room >= 0;
  }

  show() {
    if (!growsByItself) grow(this.#box);
    this.#left.textContent = this.#room < COUNT_FROM ? this.#room : "";
    this.#left.classList.toggle("composer__left--over", this.#room < 0);
    this.#send.ariaDisabled = String(!this.isSendable);
  }

  /** In characters, as the server counts them. */
  get #room() {
    return this.#limit - [...this.#box.value.trim()].length;
  }
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
}
