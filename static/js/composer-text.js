/** The text box of the composer: it grows with its text and shows how many characters are left. */
import { showToast } from "./toast.js";
import { interpolateAsText, translation } from "./translations.js";

const COUNT_FROM = 200;
/** Match a character that the server counts as visible, see chatflow/text/visible.py. */
const VISIBLE = /[^\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cs}\p{Mn}\p{Z}\u2800\ufff9-\ufffc\u{1d159}]/u;
const growsByItself = CSS.supports("field-sizing", "content");

export class ComposerText {
  hasFiles = false; // a message with files needs no text
  #box;
  #left;
  #send;
  #limit;

  constructor(composer) {
    this.#box = composer.querySelector("textarea");
    this.#left = composer.querySelector(".composer__left");
    this.#send = composer.querySelector(".composer__send");
    this.#limit = Number(composer.dataset.limit);
    this.#box.required = false; // a blank message is ignored without an error
  }

  get value() {
    return this.#box.value;
  }

  set value(text) {
    this.#box.value = text;
    this.show();
  }

  get isSendable() {
    const isCaption = this.hasFiles && !this.#box.value.trim();
    return (isCaption || VISIBLE.test(this.#box.value)) && !this.#isTooLong;
  }

  show() {
    if (!growsByItself) grow(this.#box);
    const room = this.#room;
    this.#left.textContent = room < 0 ? this.#complaint : room < COUNT_FROM ? number(room) : "";
    this.#left.classList.toggle("composer__left--over", room < 0);
    this.#box.ariaInvalid = room < 0 ? "true" : null;
    this.#send.ariaDisabled = String(!this.isSendable);
  }

  /** Update after the user has typed; announce once that the text has become too long. */
  typed() {
    const wasTooLong = this.#box.ariaInvalid === "true";
    this.show();
    if (!wasTooLong) this.refuse();
  }

  /** Show why the text cannot be sent, if it is too long. */
  refuse() {
    if (this.#isTooLong) showToast(this.#complaint);
  }

  get #isTooLong() {
    return this.#room < 0;
  }

  get #complaint() {
    const count = -this.#room;
    const parts = { count: number(count), limit: number(this.#limit) };
    return interpolateAsText(translation(count === 1 ? "too_long_by_one" : "too_long"), parts);
  }

  /** Count the characters that are left, as the server counts them. */
  get #room() {
    return this.#limit - [...this.#box.value.trim()].length;
  }
}

function number(value) {
  return value.toLocaleString(document.documentElement.lang);
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
}
