/** Previews of files that are not sent yet: in the tray of the composer and in pending messages. */
import { formatDuration, formatSize } from "./file-choice.js";
import { cloneTemplate } from "./fragments.js";

/** Return an element that follows the state of an upload. */
export function previewOf(upload) {
  const item = cloneTemplate("upload");
  const { file, kind, duration } = upload;
  item.querySelector(".upload__name").textContent = file.name;
  item.querySelector(".upload__name").hidden = kind === "voice";
  item.querySelector(".upload__size").textContent = kind === "voice" ? formatDuration(duration) : formatSize(file.size);
  showIcon(item, kind);
  if (kind === "image") showPicture(item, upload.preview);
  const update = () => {
    const progress = item.querySelector("progress");
    progress.value = upload.progress;
    progress.hidden = upload.attachment !== null || upload.error !== "";
    item.querySelector(".upload__error").textContent = upload.error;
    item.classList.toggle("upload--failed", upload.error !== "");
  };
  upload.addEventListener("change", update);
  update();
  return item;
}

/** Return an element for a file that was uploaded before the page was loaded again. */
export function uploadedPreview({ name, kind, size }) {
  const item = cloneTemplate("upload");
  item.querySelector(".upload__name").textContent = name;
  item.querySelector(".upload__size").textContent = formatSize(size);
  item.querySelector("progress").hidden = true;
  showIcon(item, kind);
  return item;
}

/** Show the image itself. Formats that the browser cannot display keep the icon. */
function showPicture(item, url) {
  const picture = document.createElement("img");
  picture.alt = "";
  picture.addEventListener("load", () => item.querySelector(".upload__picture").replaceChildren(picture));
  picture.src = url;
}

function showIcon(item, kind) {
  const use = item.querySelector(".upload__picture use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${kind}`));
}
