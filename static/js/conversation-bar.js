/** The bar above a conversation: its title, and who is typing or online. */
import { dispatch, fetchFragment } from "./fragments.js";
import { presenceOf } from "./presence.js";
import { localise, nameOfMoment } from "./times.js";
import { interpolate, translation } from "./translations.js";
import { conversationUrl, isWithin } from "./urls.js";

const FORGET_MS = 6_000;
const REPEAT_MS = 3_000;

class TypingLine extends HTMLElement {
  #name = this.textContent;
  #typing = new Map(); // by user id: the name, and the timer that removes it
  #announced = new Set(); // users whose typing was announced and whose message has not come yet
  #lifetime;

  connectedCallback() {
    this.#lifetime = new AbortController();
    const { signal } = this.#lifetime;
    document.addEventListener("live-typing", ({ detail }) => this.#receive(detail), { signal });
    document.addEventListener("live-message", ({ detail }) => this.#messageArrived(detail.dataset), { signal });
    document.addEventListener("presence-changed", () => this.#show(), { signal });
    this.#show();
  }

  disconnectedCallback() {
    this.#lifetime.abort();
  }

  #receive(typing) {
    const { conversation, user } = typing.dataset;
    if (conversation !== this.dataset.conversation || user === document.body.dataset.user) return;
    clearTimeout(this.#typing.get(user)?.timer);
    if ("active" in typing.dataset) {
      const timer = setTimeout(() => this.#forget(user), FORGET_MS);
      this.#typing.set(user, { name: typing.textContent, timer });
    } else this.#typing.delete(user);
    this.#show();
    this.#announce();
  }

  #messageArrived({ conversation, sender }) {
    if (conversation !== this.dataset.conversation) return;
    this.#announced.delete(sender);
    this.#forget(sender);
  }

  #forget(user) {
    clearTimeout(this.#typing.get(user)?.timer);
    this.#typing.delete(user);
    this.#show();
  }

  #show() {
    const isTyping = this.#typing.size > 0;
    this.classList.toggle("typing", isTyping);
    const content = document.createElement("span");
    content.append(...(isTyping ? this.#typingText() : [this.#idleText()]));
    if (this.textContent !== content.textContent) this.replaceChildren(...content.childNodes);
  }

  /** Announce to screen readers that somebody has begun to type, once for each message. */
  #announce() {
    const isNew = [...this.#typing.keys()].some((user) => !this.#announced.has(user));
    for (const user of this.#typing.keys()) this.#announced.add(user);
    const line = document.getElementById("typing-announced");
    if (isNew) line.textContent = this.textContent;
    else if (!this.#typing.size) line.textContent = "";
  }

  #typingText() {
    const [first, second] = [...this.#typing.values()].map(({ name }) => name);
    const count = this.#typing.size;
    if (this.dataset.person) return [translation("typing")];
    if (count === 1) return interpolate(translation("typing_one"), { name: first });
    if (count === 2) return interpolate(translation("typing_two"), { first, second });
    return interpolate(translation("typing_many"), { count });
  }

  /** Return the text that is shown while nobody types: the presence of the other user, or the member count. */
  #idleText() {
    const { online, lastSeen } = presenceOf(this.dataset.person) ?? {};
    if (online) return this.dataset.online;
    return lastSeen ? this.dataset.seen.replace("%s", () => nameOfMoment(new Date(lastSeen))) : this.#name;
  }
}

customElements.define("typing-line", TypingLine);

let typingSentAt = 0;

/** Send the typing state. Repeat it every few seconds for members who connect meanwhile, or once the socket is open. */
export function sendTyping(conversation, active) {
  if (active ? Date.now() - typingSentAt < REPEAT_MS : !typingSentAt) return;
  const isSent = document.querySelector("live-socket").send({ type: "typing", conversation, active });
  typingSentAt = active && isSent ? Date.now() : 0;
}

function isOpen(pathname) {
  return isWithin(pathname, location.pathname);
}

/** Fetch the bar again after the title, the members or the viewer's settings have changed. */
async function refreshBar({ conversation }) {
  const bar = document.getElementById("conversation-bar");
  if (!bar || !isOpen(conversationUrl(conversation))) return;
  const fresh = await fetchFragment(conversationUrl(conversation, "bar")).catch(() => null);
  if (!fresh) return;
  const { id } = document.activeElement;
  htmx.process(fresh);
  localise(fresh);
  document.title = document.title.replace(titleIn(bar), () => titleIn(fresh));
  bar.replaceWith(fresh);
  if (id && document.activeElement === document.body) document.getElementById(id)?.focus();
  dispatch("bar-changed");
}

/** Fetch the settings form of the Info page again. */
async function refreshSettingsForm({ conversation }) {
  const shown = () => document.querySelector(`.sheet .settings-form[action="${conversationUrl(conversation, "settings")}"]`);
  if (!shown()) return;
  const bar = await fetchFragment(conversationUrl(conversation, "bar")).catch(() => null);
  const form = shown();
  if (!form || !bar) return;
  const { name } = form.contains(document.activeElement) ? document.activeElement : {};
  const fresh = bar.querySelector(".settings-form");
  localise(fresh);
  form.replaceWith(fresh);
  if (name) fresh.querySelector(`[name="${name}"]`).focus();
}

/** Offer to mark a read conversation as unread, and an unread one as read. */
function offerMark({ dataset: { conversation, unreadCount, markedUnread } }) {
  const isUnread = unreadCount !== "0" || markedUnread !== undefined;
  for (const form of document.querySelectorAll(`.settings-form[action="${conversationUrl(conversation, "settings")}"]`)) {
    form.querySelector("[name=read]").hidden = !isUnread;
    form.querySelector("[name=marked_unread]").hidden = isUnread;
  }
}

function titleIn(bar) {
  return bar.querySelector(".bar__title").textContent;
}

/** Compare the bar with the server's state after a connection. A new title always comes with a system message. */
function compareBar(heads) {
  const head = heads.find(({ value }) => isOpen(conversationUrl(value)));
  const bar = document.getElementById("conversation-bar");
  if (bar && head && head.dataset.lastSeq !== bar.dataset.lastSeq) refreshBar({ conversation: head.value });
}

document.addEventListener("live-conversation", ({ detail }) => refreshBar(detail.dataset));
document.addEventListener("live-membership", ({ detail }) => offerMark(detail));
document.addEventListener("live-ready", ({ detail }) => compareBar([...detail.children]));
document.addEventListener("settings-changed", ({ detail }) => refreshBar(detail));
document.addEventListener("settings-changed", ({ detail }) => refreshSettingsForm(detail));
