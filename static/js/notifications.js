/**
 * System notifications about messages that arrive while the window is inactive, if the user wants them on this device.
 */
import { isWindowActive } from "./receipts.js";
import { needsAttention } from "./row.js";
import { showToast } from "./toast.js";

const KEY = `notifies:${document.body.dataset.user}`;
const shown = new Map();
let isRefused = false;

/** Return why this browser shows no notifications, or null. */
function obstacle() {
  if (!isSecureContext) return "insecure";
  if (!("Notification" in window) || isRefused) return "unsupported";
  return Notification.permission === "denied" ? "blocked" : null;
}

const isWanted = () => localStorage.getItem(KEY) === "yes" && !obstacle() && Notification.permission === "granted";

document.addEventListener("unread-increased", ({ detail: row }) => {
  if (isWanted() && !isWindowActive() && needsAttention(row)) showNotification(row);
});

function showNotification(row) {
  const { conversation } = row.dataset;
  const textOf = (part) => row.querySelector(`.row__${part}`).textContent;
  const body = [textOf("sender"), textOf("preview")].filter(Boolean).join(": ");
  const options = { body, tag: conversation, lang: document.documentElement.lang }; // the tag replaces the previous notification of the conversation, also from other windows
  const notification = new Notification(textOf("title"), options);
  notification.onclick = () => {
    focus();
    document.querySelector(`#row-${CSS.escape(conversation)} .row__link`)?.click();
  };
  shown.set(conversation, notification);
}

/** Close the notification of a conversation that was read here or on another device. */
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
    else if (!this.#box.checked) showToast("saved");
    this.#show();
  }

  /** Show a first notification, because Chrome on Android grants the permission but throws here. */
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
    this.#box.disabled = obstacle() !== null;
    this.querySelector(".field__hint").hidden = obstacle() !== null;
    for (const notice of this.querySelectorAll(".notice")) notice.hidden = notice.dataset.reason !== obstacle();
  }
}

customElements.define("notify-switch", NotifySwitch);
