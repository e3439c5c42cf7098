/** Menus that are <details>: a press elsewhere and Escape close them, and so does what they did. */
const opened = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("pointerdown", ({ target }) => {
  for (const menu of opened()) if (!menu.contains(target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of opened()) {
    menu.open = false;
    if (menu.contains(event.target)) menu.querySelector("summary").focus();
    event.preventDefault();
  }
});

document.addEventListener("act-done", ({ target }) => {
  const menu = target.closest("details.menu");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("toggle", ({ target }) => {
  if (target.matches("details.menu") && target.open) target.querySelector(".menu__item").focus({ focusVisible: false });
}, { capture: true });
