/** The one menu for all messages of the page; the server says what it offers. */
import { fetchFragment } from "./fragments.js";
import { chooseEdit, chooseReply, copyText, pickReaction, urlOf } from "./message-acts.js";
import { showDialog } from "./modal-dialog.js";
import { openPopup } from "./popup.js";
import { say } from "./toast-line.js";

const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

class MessageMenu extends HTMLElement {
  #id;
  #popup;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("keydown", (event) => this.#pressed(event));
  }

  disconnectedCallback() {
    this.#popup?.close();
  }

  /** The message that was chosen, which may be drawn anew at any moment. */
  get #article() {
    return document.getElementById(this.#id);
  }

  async open(article) {
    const id = (this.#id = article.id);
    const menu = await fetchFragment(urlOf(article, "menu")).catch(() => say("failed"));
    if (!menu || id !== this.#id || !this.#article) return;
    this.replaceChildren(menu);
    this.#popup?.close();
    this.#article.classList.add("message--chosen");
    const onClose = () => document.getElementById(id)?.classList.remove("message--chosen");
    this.#popup = openPopup(this, this.#article, { onClose });
    this.querySelector(".menu__item").focus();
  }

  #clicked(event) {
    if (event.target.closest("[name=emoji]")) return this.#popup.giveUp(); // the form goes its way
    const item = event.target.closest("[data-act]");
    if (!item) return;
    event.preventDefault();
    this.#popup.giveUp();
    const acts = {
      reply: () => chooseReply(this.#article),
      edit: () => chooseEdit(this.#article),
      copy: () => copyText(this.#article),
      pick: () => pickReaction(this.#article),
      show: () => showDialog(item.href),
    };
    acts[item.dataset.act]();
  }

  #pressed(event) {
    const items = [...this.querySelectorAll("[role^=menuitem]")];
    const step = STEPS[event.key];
    if (event.key === "Tab") this.#popup.giveUp();
    else if (step) items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
    else if (event.key === "Home") items[0].focus();
    else if (event.key === "End") items.at(-1).focus();
    else return;
    event.preventDefault();
  }
}

customElements.define("message-menu", MessageMenu);

export function openMenu(article) {
  document.querySelector("message-menu").open(article);
}

