/** Keeps a history at its end while it grows or its window shrinks, unless one has scrolled away. */
const NEAR_PX = 120;

export class EndOfHistory {
  isReached = true;
  #history;
  #height;

  constructor(history) {
    this.#history = history;
    history.addEventListener("scroll", () => this.look(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(history);
  }

  /** While the window changes its size it is the browser that scrolls: nobody has decided to leave. */
  look() {
    const { isComplete, scrollHeight, scrollTop, clientHeight } = this.#history;
    if (clientHeight !== (this.#height ?? clientHeight)) return;
    this.isReached = isComplete && scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #resized() {
    this.#height = this.#history.clientHeight;
    if (this.isReached) this.#history.scrollToEnd();
  }
}
