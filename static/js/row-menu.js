/** The menu of a chat in the list: mark as read or unread, pin, archive and mute. A right click, a long press or the menu key opens it. */
import { fetchFragment } from "./fragments.js";
import { openPopup } from "./overlays.js";
import { localise } from "./times.js";
import { conversationUrl } from "./urls.js";

class RowMenu extends HTMLElement {
  #popup;

  connectedCallback() {
    document.getElementById("list").addEventListener("contextmenu", (event) => {
      const row = event.target.closest(".row[data-conversation]");
      if (!row) return;
      event.preventDefault();
      this.#open(row);
    });
    this.addEventListener("form-done", () => this.#popup.dismiss());
  }

  async #open({ id, dataset: { conversation } }) {
    const bar = await fetchFragment(conversationUrl(conversation, "bar")).catch(() => null);
    const row = document.getElementById(id); // its element may have been replaced
    if (!bar || !row) return;
    this.#popup?.close();
    row.querySelector("a").focus({ preventScroll: true }); // the focus returns there
    this.replaceChildren(bar.querySelector(".settings-form"));
    localise(this);
    this.#popup = openPopup(this, row);
    this.querySelector("button").focus({ focusVisible: false });
  }
}

customElements.define("row-menu", RowMenu);
