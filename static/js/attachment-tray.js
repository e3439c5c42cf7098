/** The files of the next message: chosen, pasted or dropped, with their previews above the text box. */
import { chooseFiles } from "./file-choice.js";
import { isWriting } from "./focus.js";
import { showToast } from "./toast.js";
import { previewOf } from "./upload-preview.js";
import { Upload } from "./uploads.js";
import { attachmentsUrl } from "./urls.js";

const trays = new Map(); // the uploads of each conversation, kept while another one is open

export class AttachmentTray {
  #list;
  #box;
  #onChange;
  #options;
  #uploads;

  constructor(composer, conversation, onChange) {
    this.#list = composer.querySelector(".tray");
    this.#box = composer.querySelector("textarea");
    this.#onChange = onChange;
    this.#options = { url: attachmentsUrl(conversation), limit: Number(composer.dataset.fileLimit) };
    if (!trays.has(conversation)) trays.set(conversation, []);
    this.#uploads = trays.get(conversation);
    for (const upload of this.#uploads) this.#show(upload);
  }

  /** Listen to the buttons of the composer and to files that are pasted or dropped on the conversation. */
  listen(composer, signal) {
    for (const input of composer.querySelectorAll("input[type=file]")) {
      composer.querySelector(`[data-chooses="${input.id}"]`).addEventListener("click", () => input.click(), { signal });
      input.addEventListener("change", () => {
        this.add([...input.files]);
        input.value = ""; // so that the same file can be chosen again
      }, { signal });
    }
    this.#list.addEventListener("click", ({ target }) => this.#removePressed(target.closest("button")), { signal });
    document.addEventListener("paste", (event) => this.#pasted(event), { signal });
    listenForDrops(composer.closest(".conversation"), (files) => this.add(files), signal);
  }

  get count() {
    return this.#uploads.length;
  }

  add(files) {
    const { accepted, complaint } = chooseFiles(files, { count: this.count, limit: this.#options.limit });
    if (complaint) showToast(complaint);
    for (const file of accepted) {
      const upload = new Upload(file, this.#options);
      this.#uploads.push(upload);
      this.#show(upload);
    }
    if (accepted.length) this.#box.focus();
    this.#onChange();
  }

  /** Return the uploads and empty the tray: from now on they belong to a message. */
  take() {
    this.#list.replaceChildren();
    return this.#uploads.splice(0);
  }

  #show(upload) {
    const item = previewOf(upload);
    const remove = item.querySelector("button");
    remove.hidden = false;
    remove.setAttribute("aria-label", `${remove.title}: ${upload.file.name}`);
    this.#list.append(item);
  }

  #removePressed(button) {
    if (!button) return;
    const item = button.closest(".upload");
    const index = [...this.#list.children].indexOf(item);
    this.#uploads.splice(index, 1)[0].cancel();
    item.remove();
    const next = this.#list.children[Math.min(index, this.count - 1)];
    (next?.querySelector("button") ?? this.#box).focus();
    this.#onChange();
  }

  /** Paste text as text, even if the other program also offers an image of it. */
  #pasted(event) {
    const { files, types } = event.clipboardData;
    const isElsewhere = event.target !== this.#box && isWriting(event.target);
    if (!files.length || types.includes("text/plain") || isElsewhere || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.add([...files]);
  }
}

/** Accept files that are dropped on an element. Dropped elsewhere they would replace the page. */
function listenForDrops(element, accept, signal) {
  const hasFiles = ({ dataTransfer }) => dataTransfer.types.includes("Files");
  const mark = (isOver) => element.classList.toggle("conversation--drop", isOver);
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    const isOver = element.contains(event.target);
    event.dataTransfer.dropEffect = isOver ? "copy" : "none";
    mark(isOver);
  }, { signal });
  addEventListener("dragleave", ({ relatedTarget }) => relatedTarget || mark(false), { signal });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(false);
    if (element.contains(event.target)) accept([...event.dataTransfer.files]);
  }, { signal });
}
