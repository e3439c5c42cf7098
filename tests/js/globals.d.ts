/**
 * Types for what TypeScript cannot know about the pages. The results of selectors and the fields of events are
 * `any`: the templates decide which element they are, and the journeys prove it. Everything else is checked.
 */
interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}
interface Element {
  closest(selectors: string): any;
}
interface Document {
  readonly activeElement: any;
  getElementById(id: string): any;
  addEventListener(type: string, listener: (event: any) => void, options?: AddEventListenerOptions): void;
}
interface HTMLElement {
  addEventListener(type: string, listener: (event: any) => void, options?: AddEventListenerOptions): void;
}
declare function addEventListener(type: string, listener: (event: any) => void, options?: AddEventListenerOptions): void;
declare const htmx: { logger: Function; process(element: Element): void; ajax(verb: string, path: string, context: object): Promise<void> };
/** The Navigation API, where the browser has it. TypeScript does not know it yet. */
interface Window {
  readonly navigation?: { entries(): { url: string | null }[]; currentEntry: { index: number } };
}
