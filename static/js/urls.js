/** URLs that the scripts build. All others are in links and forms that the server rendered. */
export const SHORTCUTS_URL = "/shortcuts";

export function conversationUrl(conversation, part = "") {
  return `/chats/${conversation}${part && `/${part}`}`;
}

/** `part` is what the server offers for a message: "menu", "edit", "reactions" and so on. */
export function messageUrl(article, part) {
  return conversationUrl(article.dataset.conversation, `messages/${idOf(article)}/${part}`);
}

export function receiptsUrl(conversation) {
  return `/conversations/${conversation}/receipts`;
}

export function attachmentsUrl(conversation) {
  return `/conversations/${conversation}/attachments`;
}

export function idOf(article) {
  return article.id.replace("message-", "");
}

/** Whether `pathname` is `parent` or below it. */
export function isWithin(parent, pathname) {
  return pathname === parent || pathname.startsWith(`${parent}/`);
}
