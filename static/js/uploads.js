/**
 * Files on their way to the server, one after the other. An upload is retried while the connection is lost and until
 * the server has decided. The server deletes what no message uses.
 */
import { csrfToken } from "./forms.js";
import { goToLogin, pageUser } from "./fragments.js";
import { translation } from "./translations.js";

const STALLED_MS = 60_000; // without progress; the server may also need a moment for the file
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;
const LONGEST_WAIT_MS = 60_000; // a later time that the server names is an error for the user
const NOT_SENT = 0;
const [CREATED, SIGNED_OUT, TIMED_OUT, TOO_FAST, FULL] = [201, 401, 408, 429, 507];
const isForLater = (status) => [NOT_SENT, TIMED_OUT, TOO_FAST].includes(status) || (status >= 500 && status !== FULL);

let queue = Promise.resolve();

/** One file. It dispatches `change` when its state has changed. */
export class Upload extends EventTarget {
  progress = 0; // from 0 to 1
  error = "";
  attachment = null; // the server's description, once it is uploaded
  finished = Promise.resolve(); // when it is uploaded, refused or cancelled
  #url;
  #fields;
  #preview;
  #cancelled = new AbortController();

  /**
   * `fields` are sent beside the file: the kind, duration and waveform of a voice message.
   * @param {File} file
   * @param {{url: string, fields?: Record<string, string>}} options
   */
  constructor(file, { url, fields = {} }) {
    super();
    this.file = file;
    this.kind = fields.kind ?? kindOf(file.type);
    this.duration = fields.duration;
    this.#url = url;
    this.#fields = fields;
    this.start();
  }

  get isCancelled() {
    return this.#cancelled.signal.aborted;
  }

  /** The address of the file in this page, for previews. */
  get preview() {
    return (this.#preview ??= URL.createObjectURL(this.file));
  }

  /** Upload the file, also again after an error. */
  start() {
    this.#update({ error: "", progress: 0 });
    queue = this.finished = queue.then(() => this.#run());
  }

  cancel() {
    this.#cancelled.abort();
    this.release();
  }

  /** Free the memory of the preview. */
  release() {
    if (this.#preview) URL.revokeObjectURL(this.#preview);
  }

  async #run() {
    for (let attempt = 0; !this.isCancelled; attempt++) {
      const { status, text, retryAfter } = await this.#send();
      if (this.isCancelled) return;
      if (status === CREATED) return this.#update({ attachment: JSON.parse(text), progress: 1 });
      if (status === SIGNED_OUT) return goToLogin();
      if (!isForLater(status) || retryAfter > LONGEST_WAIT_MS) return this.#update({ error: problemIn(text) });
      this.#update({ progress: 0 });
      await pause(Math.max(retryAfter, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt)), this.#cancelled.signal);
    }
  }

  /** `fetch` does not tell how much of a body was sent. */
  #send() {
    const request = new XMLHttpRequest();
    const body = new FormData();
    for (const [name, value] of Object.entries(this.#fields)) body.append(name, value);
    body.append("file", this.file, this.file.name);
    return new Promise((resolve) => {
      const abort = () => request.abort();
      let timer = setTimeout(abort, STALLED_MS);
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        clearTimeout(timer);
        timer = setTimeout(abort, STALLED_MS);
        if (total) this.#update({ progress: loaded / total });
      });
      request.addEventListener("loadend", () => {
        clearTimeout(timer);
        const retryAfter = Number(request.getResponseHeader("Retry-After")) * 1_000;
        resolve({ status: request.status, text: request.responseText, retryAfter });
      });
      this.#cancelled.signal.addEventListener("abort", abort);
      request.open("POST", this.#url);
      const headers = { Accept: "application/json", "X-CSRFToken": csrfToken(), ...pageUser() };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.send(body);
    });
  }

  #update(changes) {
    Object.assign(this, changes);
    this.dispatchEvent(new Event("change"));
  }
}

export function kindOf(type) {
  const [family] = type.split("/");
  return ["image", "video", "audio"].includes(family) ? family : "file";
}

/** Return the error of a problem document, or a general one. */
function problemIn(text) {
  try {
    const { detail, errors = {} } = JSON.parse(text);
    return Object.values(errors).flat().at(0) ?? detail;
  } catch {
    return translation("upload_failed");
  }
}

/** Wait, but no longer than until the connection is back or the upload is cancelled. */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const lifetime = new AbortController();
    const end = () => {
      clearTimeout(timer);
      lifetime.abort();
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end, { signal: lifetime.signal });
    addEventListener("online", end, { signal: lifetime.signal });
    document.addEventListener("socket-open", end, { signal: lifetime.signal });
  });
}
