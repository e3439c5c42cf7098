/** The page's one socket. It keeps itself open, and says `socket-open` and `socket-lost`. */
import { hear } from "./hearing.js";

const HEARTBEAT_MS = 25_000;
const ANSWER_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
const LOGIN_ENDED = 4401;
const FLOODED = 4429;

class LiveSocket extends HTMLElement {
  #socket;
  #failures = 0;
  #retry;
  #heartbeat;
  #answer;
  #recheck;

  connectedCallback() {
    addEventListener("online", () => this.#reconnectNow());
    addEventListener("offline", () => this.#checkReach());
    document.addEventListener("visibilitychange", () => document.hidden || this.#reconnectNow());
    this.#connect();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Whether the frame could be sent; what it says must bear being lost. */
  send(frame) {
    if (this.isOpen) this.#socket.send(JSON.stringify(frame));
    return this.isOpen;
  }

  async #connect() {
    clearTimeout(this.#retry);
    if (!navigator.onLine && !(await this.#reachesServer())) return this.#retryLater();
    if (this.#socket?.readyState <= WebSocket.OPEN) return;
    const socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/ws/page`);
    socket.onopen = () => this.#opened();
    socket.onmessage = (message) => this.#hear(message.data);
    socket.onclose = (close) => socket === this.#socket && this.#lost(close.code);
    this.#socket = socket;
  }

  #opened() {
    this.#failures = 0;
    this.#beatLater();
    document.dispatchEvent(new CustomEvent("socket-open"));
    this.#checkReach();
  }

  #hear(html) {
    this.#beatLater();
    hear(html);
  }

  /** Any frame is a sign of life; after a silence we ask for one. */
  #beatLater() {
    clearTimeout(this.#heartbeat);
    clearTimeout(this.#answer);
    this.#heartbeat = setTimeout(() => this.#beat(), HEARTBEAT_MS);
  }

  #beat() {
    clearTimeout(this.#answer);
    this.send({ type: "ping", ref: Date.now() });
    this.#answer = setTimeout(() => this.#drop(), ANSWER_MS);
  }

  /** Does not wait for the closing handshake, which a dead connection never finishes. */
  #drop() {
    this.leave();
    this.#lost();
  }

  /** For who leaves the page: what becomes of their login is no news. If they stay, it comes back. */
  leave() {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #lost(code) {
    clearTimeout(this.#heartbeat);
    clearTimeout(this.#answer);
    document.dispatchEvent(new CustomEvent("socket-lost"));
    if (code === LOGIN_ENDED) return location.assign(this.dataset.login);
    this.#retryLater(code === FLOODED ? LONGEST_RETRY_MS : 0);
    if (this.#failures > 1) this.#reachesServer(); // a refused handshake may mean signed out
  }

  #retryLater(least = 0) {
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), Math.max(least, wait * (0.5 + Math.random() / 2)));
  }

  #reconnectNow() {
    if (this.isOpen) return this.#beat();
    this.#failures = 0;
    this.#connect();
  }

  /**
   * A browser that says “offline” may be wrong: a server on this very machine is still in reach. Or the
   * network is only just going: while the browser says so, it is asked again.
   */
  async #checkReach() {
    clearTimeout(this.#recheck);
    if (navigator.onLine) return;
    if (await this.#reachesServer()) this.#recheck = setTimeout(() => this.#checkReach(), ANSWER_MS);
    else this.#drop();
  }

  async #reachesServer() {
    try {
      const answer = await fetch(this.dataset.probe, { method: "HEAD", redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect") location.assign(this.dataset.login);
      return true;
    } catch {
      return false;
    }
  }
}

customElements.define("live-socket", LiveSocket);
