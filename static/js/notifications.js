/** Tells by the system's own notifications what comes while one looks elsewhere, if one wants that on this device. */
import { isLookedAt } from "./reading.js";
import { isWaiting } from "./row.js";

const KEY = `notifies:${document.body.dataset.user}`;
const shown = new Map();
let isRefused = false;

/** Browsers offer it on secure pages only. */
const isPossible = () => "Notification" in window && isSecureContext && Notification.permission !== "denied" && !isRefused;
const isWanted = () => localStorage.getItem(KEY) === "yes" && isPossible() && Notification.permission === "granted";

document.addEventListener("unread-grew", ({ detail: row }) => {
  if (isWanted() && !isLookedAt() && isWaiting(row)) notify(row);
});

function notify(row) {
  const { conversation } = row.dataset;
  const said = (part) => row.querySelector(`.row__${part}`).textContent;
  const body = [said("sender"), said("preview")].filter(Boolean).join(": ");
  const options = { body, tag: conversation, lang: document.documentElement.lang }; // the newest of each chat, in one window or in several
  const notification = new Notification(said("title"), options);
  notification.onclick = () => {
    focus();
    document.querySelector(`#row-${CSS.escape(conversation)} .row__link`)?.click();
  };
  shown.set(conversation, notification);
}

/** What one looks at, or has read elsewhere, needs no telling any more. */
function withdraw(conversation) {
  shown.get(conversation)?.close();
  shown.delete(conversation);
}

addEventListener("focus", () => [...shown.keys()].forEach(withdraw));
document.addEventListener("live-membership", ({ detail }) => {
  if (detail.dataset.unreadCount === "0") withdraw(detail.dataset.conversation);
});

class NotifySwitch extends HTMLElement {
  #box = this.querySelector("input");

  connectedCallback() {
    this.#box.addEventListener("change", () => this.#change());
    this.#show();
  }

  async #change() {
    localStorage.setItem(KEY, this.#box.checked ? "yes" : "no");
    if (this.#box.checked) await Notification.requestPermission();
    if (isWanted()) this.#confirm();
    this.#show();
  }

  /** Chrome on Android permits notifications and then throws at each: better known now than missed later. */
  #confirm() {
    const body = this.querySelector(".field__hint").textContent;
    try {
      new Notification("ChatFlow", { body, lang: document.documentElement.lang });
    } catch {
      localStorage.setItem(KEY, "no");
      isRefused = true;
    }
  }

  #show() {
    this.#box.checked = isWanted();
    this.#box.disabled = !isPossible();
    this.querySelector(".field__hint").hidden = !isPossible();
    this.querySelector(".notice").hidden = isPossible();
  }
}

customElements.define("notify-switch", NotifySwitch);
