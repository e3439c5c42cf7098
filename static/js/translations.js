/**
 * Interface texts in the reader's language. Live fragments are in one language for all members, and marked elements
 * are translated here.
 */
const me = document.body.dataset.user;
const texts = document.getElementById("translations").content;

export function translation(name) {
  return texts.querySelector(`[value="${name}"]`)?.textContent;
}

/** Truncate between characters, as the server does it. */
export function truncate(text, most) {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}

/** Translate all marked elements in `root`, with the names from their data attributes. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-word]")) {
    const { word: name, ...parts } = element.dataset;
    const isOwn = parts.actor !== undefined && root.dataset.sender === me;
    const text = (isOwn && translation(`own_${name}`)) || translation(name);
    if (text) element.replaceChildren(...interpolate(text, parts));
  }
}

/** Insert names into “%(actor)s left”, each isolated: a right-to-left name must not reorder the sentence. */
export function interpolate(text, parts) {
  return text.split(/%\((\w+)\)s/).map((piece, index) => (index % 2 ? isolate(parts[piece]) : piece));
}

/** Insert values into a text that is not shown as HTML. */
export function interpolateAsText(text, parts) {
  return text.replace(/%\((\w+)\)s/g, (_place, name) => parts[name]);
}

export function isolate(text) {
  const element = document.createElement("bdi");
  element.textContent = text;
  return element;
}
