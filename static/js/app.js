/** The one script a signed-in page loads: every behaviour registers itself by being imported. */
import "./live-socket.js";
import "./connection-banner.js";
import "./conversation-list.js";
import "./message-history.js";
import "./message-menu.js";
import "./message-composer.js";
import "./menus.js";
import "./modal-dialog.js";
import "./toast-line.js";
import "./jump-button.js";
import "./typing-line.js";
import "./people-picker.js";
import "./shortcuts.js";
import "./navigation.js";
import "./unread.js";
import "./notifications.js";
import "./early.js";
