/** The entry point for logged-in users: each module registers its elements and listeners when it is imported. */
import "./keyboard.js";
import "./live-socket.js";
import "./conversation-list.js";
import "./row-menu.js";
import "./message-history.js";
import "./message-menu.js";
import "./message-composer.js";
import "./emoji-completion.js";
import "./voice-message.js";
import "./image-viewer.js";
import "./overlays.js";
import "./modal-dialog.js";
import "./toast.js";
import "./conversation-bar.js";
import "./forms.js";
import "./password-field.js";
import "./navigation.js";
import "./info-column.js";
import "./unread.js";
import "./notifications.js";

/** Dispatch `input` events for text that was typed before the scripts were loaded. htmx listens for them by now. */
document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll("input, textarea")) {
    if (box.value !== box.defaultValue) box.dispatchEvent(new Event("input", { bubbles: true }));
  }
});
