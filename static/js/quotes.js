/** Quotes say what their original says now: a message that quotes has no part in its changes. */
import { idOf } from "./message-acts.js";

const QUOTED_CHARACTERS = 160;

export function requote(history, original) {
  const { textContent } = original.querySelector(".message__body");
  const quotes = history.querySelectorAll(`.message__quote[data-message="${idOf(original)}"] span`);
  for (const quote of quotes) quote.textContent = shortened(textContent);
}

/** As the server shortens it. */
function shortened(text) {
  const characters = [...text];
  return characters.length > QUOTED_CHARACTERS ? `${characters.slice(0, QUOTED_CHARACTERS - 1).join("")}…` : text;
}
