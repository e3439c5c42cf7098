/** The Search box above the list: filters rows at once, moves into them by arrow keys, and leads on
 * to the messages. */
const CHAT = ".row[data-conversation]"; // the link to older chats stays in sight, and so brings them
const KEYS = { ArrowDown: 1, ArrowUp: -1 };

export function searchInPlace(list) {
  const box = document.getElementById("search");
  const links = () => [...list.querySelectorAll(".row:not([hidden]) .row__link")];
  box.addEventListener("input", () => filter(list, box.value));
  for (const name of ["htmx:load", "list-changed"]) {
    document.addEventListener(name, () => box.value && filter(list, box.value));
  }
  document.addEventListener("htmx:pushedIntoHistory", () => box.value && clear(list, box));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === box) clear(list, box);
    else if (event.key === "Enter" && event.target === box) open(event, list);
    else if (event.target === box || list.contains(event.target)) move(event, links(), box);
  });
}

function filter(list, text) {
  const words = plain(text).split(/\s+/);
  for (const row of list.querySelectorAll(CHAT)) {
    const shown = plain(titleAndPreview(row));
    row.hidden = !words.every((word) => shown.includes(word));
  }
  offerMessages(list, text.trim());
  list.querySelector(".archive").open = text !== "" && list.querySelector(".rows--archived .row:not([hidden])") !== null;
}

/** And not what a row holds besides: names of days and ticks, and of a draft that is none. */
function titleAndPreview(row) {
  return [".row__title", ".row__preview"].map((part) => row.querySelector(part).textContent).join(" ");
}

function offerMessages(list, text) {
  const offer = list.querySelector("#search-messages");
  offer.hidden = !text;
  offer.querySelector(".row__last").textContent = text;
}

/** The first chat that is left; the form searches messages when none is. */
function open(event, list) {
  const link = list.querySelector(`${CHAT}:not([hidden]) .row__link`);
  if (!link) return;
  event.preventDefault();
  link.click();
}

/** The search has led somewhere, or was given up. */
function clear(list, box) {
  box.value = "";
  filter(list, "");
  list.querySelector(".people").replaceChildren();
}

function move(event, links, box) {
  const step = KEYS[event.key];
  if (!step) return;
  event.preventDefault();
  const next = links.indexOf(document.activeElement) + step;
  (links[next] ?? (next < 0 ? box : links.at(-1)))?.focus();
}

/** Without case and accents. */
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
