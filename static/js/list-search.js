/** The search box above the list: filters the rows while typing and moves between them with the arrow keys. */
const CHAT = ".row[data-conversation]"; // not the link to older conversations, which must stay visible to load them
const KEYS = { ArrowDown: 1, ArrowUp: -1 };

export function attachListSearch(list) {
  const box = document.getElementById("search");
  const links = () => [...list.querySelectorAll(".row:not([hidden]) .row__link")].filter((link) => link.checkVisibility());
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
  const words = plain(text).replace(/^\s*@/, "").split(/\s+/);
  for (const row of list.querySelectorAll(CHAT)) {
    const names = plain(namesOf(row));
    row.hidden = !words.every((word) => names.includes(word));
  }
  hideRepeatedPeople(list);
  offerMessages(list, text.trim());
  list.querySelector(".archive").open = text !== "" && list.querySelector(".rows--archived .row:not([hidden])") !== null;
}

/** Return the title and, for a direct chat, the username. */
function namesOf(row) {
  const { watch = "" } = row.querySelector("[data-watch]")?.dataset ?? {};
  return `${row.querySelector(".row__title").textContent} ${watch}`;
}

/** Hide people whose chat is already among the results. */
function hideRepeatedPeople(list) {
  const people = [...list.querySelectorAll(".people .row")];
  const chats = [...list.querySelectorAll(`${CHAT}:not([hidden]) [data-watch]`)].map(({ dataset }) => dataset.watch);
  for (const person of people) person.hidden = chats.includes(person.querySelector("button").value);
  const heading = list.querySelector(".people h2");
  if (heading) heading.hidden = people.every(({ hidden }) => hidden);
}

function offerMessages(list, text) {
  const offer = list.querySelector("#search-messages");
  offer.hidden = !text;
  const title = offer.querySelector(".row__title");
  title.textContent = title.dataset.words.replace("%s", () => text);
}

/** Open the first conversation that is left. Without one, the form searches messages. */
function open(event, list) {
  const link = list.querySelector(`${CHAT}:not([hidden]) .row__link`);
  if (!link) return;
  event.preventDefault();
  link.click();
}

/** Reset the list after a result was opened or the search was cancelled. */
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

/** Remove case and accents. */
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
