/** Who is writing at the moment, in place of the line under the title; and says when oneself is. */
import { presenceOf } from "./presence.js";
import { nameOfMoment } from "./times.js";

const FORGET_MS = 6_000;
const REPEAT_MS = 3_000;

class TypingLine extends HTMLElement {
  #name = this.textContent;
  #writing = new Map();
  #life;

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    const forget = ({ detail }) => this.#forget(detail.dataset.sender);
    document.addEventListener("live-typing", ({ detail }) => this.#hear(detail), { signal });
    document.addEventListener("live-message", forget, { signal });
    document.addEventListener("presence-changed", () => this.#show(), { signal });
    this.#show();
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  #hear(typing) {
    const { conversation, user } = typing.dataset;
    if (conversation !== this.dataset.conversation || user === document.body.dataset.user) return;
    this.#forget(user);
    if (!("active" in typing.dataset)) return;
    this.#writing.set(user, [typing.textContent, setTimeout(() => this.#forget(user), FORGET_MS)]);
    this.#show();
  }

  #forget(user) {
    clearTimeout(this.#writing.get(user)?.[1]);
    this.#writing.delete(user);
    this.#show();
  }

  #show() {
    const names = [...this.#writing.values()].map(([name]) => name);
    const list = new Intl.ListFormat(document.documentElement.lang).format(names);
    const words = names.length ? this.dataset.words.replace("%s", list) : this.#usual();
    if (this.textContent !== words) this.textContent = words;
    this.classList.toggle("typing", names.length > 0);
  }

  /** Whether the other one is here, as far as one may know. */
  #usual() {
    const { online, lastSeen } = presenceOf(this.dataset.person) ?? {};
    if (online) return this.dataset.online;
    return lastSeen ? this.dataset.seen.replace("%s", nameOfMoment(new Date(lastSeen))) : this.#name;
  }
}

customElements.define("typing-line", TypingLine);

let toldAt = 0;

/** Told again every few seconds of writing, so that whoever comes in meanwhile learns it, too. */
export function tellTyping(conversation, active) {
  if (active ? Date.now() - toldAt < REPEAT_MS : !toldAt) return;
  toldAt = active ? Date.now() : 0;
  document.querySelector("live-socket").send({ type: "typing", conversation, active });
}
