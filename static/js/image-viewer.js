/** Shows an image in full size, with the previous and next ones of its kind. Without scripts its link opens it. */
import { layerClosed, layerOpened } from "./overlays.js";

const ZOOM = 2.5;
const PICTURES = "a[data-viewer]";

class ImageViewer extends HTMLElement {
  #dialog = this.querySelector("dialog");
  #stage = this.querySelector(".viewer__stage");
  #picture = this.querySelector(".viewer__picture");
  #links = [];
  #index = 0;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("keydown", (event) => this.#pressed(event));
    this.#dialog.addEventListener("close", () => this.#closed());
  }

  open(link) {
    const { viewer } = link.dataset; // avatars and attachments are not shown together
    this.#links = [...(link.closest("#pane, #info-column") ?? document).querySelectorAll(`a[data-viewer="${viewer}"]`)];
    this.#dialog.showModal();
    layerOpened(this.#dialog, () => this.#dialog.close());
    this.#show(this.#links.indexOf(link));
  }

  #show(index) {
    const link = this.#links[index];
    if (!link) return;
    this.#index = index;
    this.#zoomTo(1);
    const { name, preview, width, height } = link.dataset;
    const picture = this.#picture;
    for (const attribute of ["src", "width", "height"]) picture.removeAttribute(attribute); // of the former picture
    if (width) [picture.width, picture.height] = [width, height];
    picture.alt = name;
    picture.src = preview || link.href;
    this.querySelector(".viewer__name").textContent = name;
    this.querySelector(".viewer__count").textContent = this.#links.length > 1 ? `${index + 1} / ${this.#links.length}` : "";
    Object.assign(this.querySelector("[data-view=download]"), { href: link.href, download: name });
    this.#enable("previous", index > 0);
    this.#enable("next", index < this.#links.length - 1);
  }

  /** Set `aria-disabled`, because a button with `disabled` would lose the focus. */
  #enable(step, isPossible) {
    this.querySelector(`[data-view=${step}]`).ariaDisabled = String(!isPossible);
  }

  #clicked(event) {
    const action = event.target.closest("[data-view]")?.dataset.view;
    if (action === "previous") this.#show(this.#index - 1);
    else if (action === "next") this.#show(this.#index + 1);
    else if (action === "zoom") this.#toggleZoom();
    else if (event.target === this.#picture) this.#toggleZoom(event);
    else if (action === "close" || event.target === this.#stage) this.#dialog.close();
  }

  #pressed(event) {
    const { key } = event;
    const isRtl = document.documentElement.dir === "rtl";
    if (key === (isRtl ? "ArrowRight" : "ArrowLeft")) this.#show(this.#index - 1);
    else if (key === (isRtl ? "ArrowLeft" : "ArrowRight")) this.#show(this.#index + 1);
    else if (key === "+" || key === "=") this.#zoomTo(ZOOM);
    else if (key === "-") this.#zoomTo(1);
    else return;
    event.preventDefault();
  }

  #toggleZoom(point) {
    const { left, top, width, height } = this.#picture.getBoundingClientRect();
    const [x, y] = point ? [(point.clientX - left) / width, (point.clientY - top) / height] : [0.5, 0.5];
    this.#zoomTo(this.#isZoomed ? 1 : ZOOM);
    this.#stage.scrollTo(
      x * this.#stage.scrollWidth - this.#stage.clientWidth / 2,
      y * this.#stage.scrollHeight - this.#stage.clientHeight / 2,
    );
  }

  get #isZoomed() {
    return this.#stage.classList.contains("viewer__stage--zoomed");
  }

  /** Load the original when the image is enlarged. */
  #zoomTo(factor) {
    const isZoomed = factor > 1;
    if (isZoomed === this.#isZoomed) return;
    const { width } = this.#picture.getBoundingClientRect();
    this.#picture.style.inlineSize = isZoomed ? `${width * factor}px` : "";
    this.#stage.classList.toggle("viewer__stage--zoomed", isZoomed);
    this.querySelector("[data-view=zoom]").ariaPressed = String(isZoomed);
    if (isZoomed) this.#picture.src = this.#links[this.#index].href;
  }

  #closed() {
    layerClosed(this.#dialog);
    this.#picture.removeAttribute("src");
    const link = this.#links[this.#index];
    link?.scrollIntoView({ block: "nearest" });
    link?.focus({ preventScroll: true });
  }
}

customElements.define("image-viewer", ImageViewer);

document.addEventListener("click", (event) => {
  const link = event.target.closest(PICTURES);
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  document.querySelector("image-viewer").open(link);
}, { capture: true });
