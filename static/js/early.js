/** What was typed before the scripts came is heard as if it were typed now; htmx listens by then. */
document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll("input, textarea")) {
    if (box.value !== box.defaultValue) box.dispatchEvent(new Event("input", { bubbles: true }));
  }
});
