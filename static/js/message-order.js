/** The order of messages, and their status, which follows from watermarks. Used by the history and the list. */

/** Return the sequence number. Pending messages have none yet and come last. */
export function seqOf(article) {
  return Number(article.dataset.seq ?? Infinity);
}

export function versionOf(article) {
  return Number(article.dataset.version ?? 0);
}

export function messagesOf(history) {
  return [...history.querySelectorAll(".message")];
}

export function endOf(history) {
  return previousMessage(history.lastElementChild, true);
}

export function insert(history, article) {
  let next = null;
  let message = endOf(history);
  while (message && seqOf(message) > seqOf(article)) {
    next = message;
    message = previousMessage(message);
  }
  history.insertBefore(article, next ?? history.querySelector("[rel=next]"));
}

export function previousMessage(element, including = false) {
  let found = including ? element : element?.previousElementSibling;
  while (found && !found.matches(".message")) found = found.previousElementSibling;
  return found;
}

export function nextMessage(element) {
  let found = element.nextElementSibling;
  while (found && !found.matches(".message")) found = found.nextElementSibling;
  return found;
}

export function sentAt(article) {
  return new Date(article.querySelector("time").dateTime);
}

/**
 * Raise a watermark or counter that is kept as a data attribute; it never decreases.
 * @param {HTMLElement} element
 * @param {string} name
 * @param {number | string} seq
 */
export function advance(element, name, seq) {
  element.dataset[name] = String(Math.max(Number(seq), Number(element.dataset[name])));
}

/**
 * Return the status that a message has reached with all other members.
 * @param {number} seq
 * @param {{ deliveredSeq?: string, readSeq?: string }} watermarks
 * @returns {"sent" | "delivered" | "read"}
 */
export function deliveryStatus(seq, { deliveredSeq, readSeq }) {
  if (seq <= Number(readSeq)) return "read";
  return seq <= Number(deliveredSeq) ? "delivered" : "sent";
}
