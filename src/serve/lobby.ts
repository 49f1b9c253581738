import { TooBusy } from '../asking/ask-queue.ts';

interface LobbyLimits {
  requests: number;
  /** Of all their bodies together. */
  bytes: number;
}

/**
 * Requests that are being read, wait or are answered. Those that find no place are sent away before their bodies are
 * read: bodies of many megabytes that only wait would fill the memory.
 */
export class Lobby {
  readonly #limits: LobbyLimits;
  #requests = 0;
  #bytes = 0;

  constructor(limits: LobbyLimits) {
    this.#limits = limits;
  }

  /** Returns what is called when the request is done. @throws TooBusy */
  enter(bytes: number): () => void {
    const { requests, bytes: most } = this.#limits;
    const isFull = this.#requests >= requests || (this.#requests > 0 && this.#bytes + bytes > most);
    if (isFull) throw new TooBusy('too many requests wait already');
    this.#requests++;
    this.#bytes += bytes;
    return () => {
      this.#requests--;
      this.#bytes -= bytes;
    };
  }
}
