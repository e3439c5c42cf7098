/** The page's WebSocket. It reconnects by itself and dispatches `socket-open` and `socket-lost`. */
import { dispatch, dispatchFragments, isForOtherUser, leave, pageUser } from "./fragments.js";

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
  #pongTimeout;
  #recheck;

  connectedCallback() {
    addEventListener("online", () => this.#reconnectNow());
    addEventListener("offline", () => this.#checkServer());
    document.addEventListener("visibilitychange", () => document.hidden || this.#reconnectNow());
    this.#connect();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Send a frame if the socket is open, and return whether it was. Frames may be lost. */
  send(frame) {
    if (this.isOpen) this.#socket.send(JSON.stringify(frame));
    return this.isOpen;
  }

  async #connect() {
    clearTimeout(this.#retry);
    if (!navigator.onLine && !(await this.#isServerReachable())) return this.#retryLater();
    if (this.#socket?.readyState <= WebSocket.OPEN) return;
    const socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/ws/page?page_user=${document.body.dataset.user}`);
    socket.onopen = () => this.#opened();
    socket.onmessage = (message) => this.#receive(message.data);
    socket.onclose = (close) => socket === this.#socket && this.#closed(close.code);
    this.#socket = socket;
  }

  #opened() {
    this.#failures = 0;
    this.#restartHeartbeat();
    document.dispatchEvent(new CustomEvent("socket-open"));
    this.#checkServer();
  }

  #receive(html) {
    this.#restartHeartbeat();
    dispatchFragments(html);
  }

  /** Restart the heartbeat: any frame proves that the connection works. */
  #restartHeartbeat() {
    clearTimeout(this.#heartbeat);
    clearTimeout(this.#pongTimeout);
    this.#heartbeat = setTimeout(() => this.#ping(), HEARTBEAT_MS);
  }

  #ping() {
    clearTimeout(this.#pongTimeout);
    this.send({ type: "ping", ref: Date.now() });
    this.#pongTimeout = setTimeout(() => this.#disconnect(), ANSWER_MS);
  }

  /** Close without waiting for the closing handshake, which a dead connection never finishes. */
  #disconnect() {
    this.leave();
    this.#closed();
  }

  /** Close before logging out, so that the end of the login does not redirect. The socket reopens if the page stays. */
  leave() {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #closed(code) {
    clearTimeout(this.#heartbeat);
    clearTimeout(this.#pongTimeout);
    document.dispatchEvent(new CustomEvent("socket-lost"));
    if (code === LOGIN_ENDED) return leave(this.dataset.login);
    this.#retryLater(code === FLOODED ? LONGEST_RETRY_MS : 0);
    if (this.#failures > 1) this.#isServerReachable(); // the handshake may be refused because the login has ended
  }

  #retryLater(least = 0) {
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), Math.max(least, wait * (0.5 + Math.random() / 2)));
  }

  #reconnectNow() {
    if (this.isOpen) return this.#ping();
    this.#failures = 0;
    this.#connect();
  }

  /**
   * Check whether the server can be reached while the browser reports that it is offline. That may be wrong (the
   * server runs on this machine) or premature (the network is about to go), so it is checked again.
   */
  async #checkServer() {
    clearTimeout(this.#recheck);
    if (navigator.onLine) return;
    if (await this.#isServerReachable()) this.#recheck = setTimeout(() => this.#checkServer(), ANSWER_MS);
    else this.#disconnect();
  }

  async #isServerReachable() {
    try {
      const headers = pageUser();
      const response = await fetch(this.dataset.probe, { method: "HEAD", headers, redirect: "manual", cache: "no-store" });
      if (response.type === "opaqueredirect" || isForOtherUser(response)) leave(this.dataset.login);
      return true;
    } catch {
      return false;
    }
  }
}

customElements.define("live-socket", LiveSocket);

/** Shows a banner when the connection has been lost for more than a moment. */
const BLIP_MS = 1_000;

class ConnectionBanner extends HTMLElement {
  #timer;

  connectedCallback() {
    document.addEventListener("socket-open", () => this.#hide());
    document.addEventListener("socket-lost", () => this.#showSoon());
    addEventListener("online", () => this.textContent && this.#show());
    this.#showSoon();
  }

  #showSoon() {
    this.#timer ??= setTimeout(() => this.#show(), BLIP_MS);
  }

  #show() {
    this.textContent = navigator.onLine ? this.dataset.connecting : this.dataset.offline;
    dispatch("connection-unavailable");
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.textContent = "";
  }
}

customElements.define("connection-banner", ConnectionBanner);
