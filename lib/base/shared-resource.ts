/**
 * A resource that is opened for its first user and closed a while after its last one, so that users
 * who follow one another share it.
 */
export class SharedResource<T> {
  readonly #open: () => T;
  readonly #close: (resource: T) => void;
  readonly #linger: number;
  #opened: { resource: T } | undefined;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `linger`: milliseconds that it stays open without users; the process may end before. */
  constructor(open: () => T, close: (resource: T) => void, linger: number) {
    this.#open = open;
    this.#close = close;
    this.#linger = linger;
  }

  /**
   * Opens the resource unless it is open. The user calls `release` at the end; twice counts once.
   */
  use(): { resource: T; release: () => void } {
    clearTimeout(this.#timer);
    const { resource } = (this.#opened ??= { resource: this.#open() });
    this.#users++;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      if (--this.#users === 0) this.#timer = setTimeout(() => this.#end(), this.#linger).unref();
    };
    return { resource, release };
  }

  #end(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened) this.#close(opened.resource);
  }
}
