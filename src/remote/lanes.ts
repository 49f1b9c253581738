import { PixtralError } from '../base/errors.ts';
import { type Concurrency, fixedConcurrency, searchedConcurrency } from './concurrency.ts';
import type { Connection } from './connection.ts';
import { type ServerFault, ServerRefusal, withoutName } from './fault.ts';
import type { FoundServer } from './find-server.ts';

/** One server, and what is known of how it fares. */
export interface Lane {
  readonly connection: Connection;
  /** undefined: nobody has answered there yet. */
  server: FoundServer | undefined;
  isUp: boolean;
  /** It is there, and has nothing but asked to come later since its last answer. */
  isRefusing: boolean;
  inWork: number;
  readonly concurrency: Concurrency;
  /** It asked to be left alone until then (performance.now). */
  notBefore: number;
  /** In a row. */
  failures: number;
  /** It came back as something else: no question can be asked there. */
  fault: PixtralError | undefined;
  /** Times that it was looked for in vain since it went away. */
  probes: number;
}

export interface LanesOptions {
  /** Asks a server that was away whether it is back. */
  find: (connection: Connection, signal: AbortSignal) => Promise<FoundServer>;
  concurrency: number | 'auto';
  /** All may be away for so long. */
  patienceMilliseconds: number;
  /** All that are there may be busy for so long, without saying for how long. */
  busyPatienceMilliseconds: number;
  onNotice: (line: string) => void;
}

/** No server answers more at once to good effect, and each takes a connection. */
export const mostConcurrency = 256;
/** A server that fails so often in a row, and quickly, would draw all work to it. */
const failuresToRest = 3;
const firstProbeMilliseconds = 500;
const longestProbeMilliseconds = 15_000;
/** Of what a server may ask for. */
const longestAskedWait = 15 * 60_000;
const shortestWait = 100;
const usualWait = 1000;
/** Whoever asks for less each time has not said when. */
const shortestPromise = 1000;

/** Room for one request. */
export interface Place {
  readonly lane: Lane;
  /** Given back, to whoever waits for it. */
  isLeft: boolean;
  /** When it was left, no other one was free. */
  wasLast: boolean;
}

interface Waiting {
  /** Another one is better, if it is free. */
  avoid: Lane | undefined;
  resolve: (place: Place) => void;
  reject: (reason: unknown) => void;
}

/** Gives requests to servers: each to the one that has the least to do for its size. Those that went away are looked for. */
export class Lanes {
  readonly all: readonly Lane[];
  readonly #options: LanesOptions;
  readonly #waiting: Waiting[] = [];
  readonly #ending = new AbortController();
  readonly #timers = new Set<NodeJS.Timeout>();
  #lastSign = performance.now();
  #durations: number[] = [];

  constructor(found: readonly { connection: Connection; server: FoundServer | undefined }[], options: LanesOptions) {
    this.#options = options;
    const { concurrency } = options;
    this.all = found.map(({ connection, server }) => ({
      connection,
      server,
      isUp: server !== undefined,
      isRefusing: false,
      inWork: 0,
      concurrency: concurrency === 'auto' ? searchedConcurrency(mostConcurrency) : fixedConcurrency(concurrency),
      notBefore: 0,
      failures: 0,
      fault: undefined,
      probes: 0,
    }));
    for (const lane of this.all) if (!lane.isUp) this.#lookFor(lane);
  }

  /**
   * A place at a server.
   * @throws ServerRefusal `machine` when all have been away for too long, and whatever is wrong with one that came back
   */
  take({ avoid, signal }: { avoid: Lane | undefined; signal: AbortSignal }): Promise<Place> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { avoid, resolve: done(resolve), reject: done(reject) };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        waiting.reject(signal.reason);
      };
      function done<A>(settle: (with_: A) => void): (with_: A) => void {
        return (with_) => {
          signal.removeEventListener('abort', onAbort);
          settle(with_);
        };
      }
      if (signal.aborted) return reject(signal.reason as Error);
      const fault = this.all.find((lane) => lane.fault)?.fault;
      if (fault) return reject(fault);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiting);
      this.#serve();
    });
  }

  /** Whether a place is free now, at another server than this. */
  hasRoomBeside(lane: Lane): boolean {
    return this.#waiting.length === 0 && this.all.some((one) => one !== lane && this.#isFree(one));
  }

  /** Gives the place back, if that was not done before: nobody wants the answer any more, or all of it has come. */
  leave(place: Place): void {
    this.#vacate(place);
    this.#serve();
  }

  /** Gives the place back too: an answer came, or one that says what is wrong with the request. */
  answered(place: Place, took: number | undefined): void {
    const { lane } = place;
    const now = performance.now();
    this.#vacate(place);
    lane.concurrency.answered(now, place.wasLast);
    lane.failures = 0;
    lane.isRefusing = false;
    this.#lastSign = now;
    if (took !== undefined) this.#durations = [...this.#durations.slice(-63), took];
    this.#serve();
  }

  /** Gives the place back too: it came to nothing. */
  faulted(place: Place, fault: ServerFault): void {
    const { lane } = place;
    const now = performance.now();
    this.#vacate(place);
    if (fault.kind === 'busy') {
      lane.concurrency.refused(now);
      lane.isRefusing = true;
      const asked = fault.waitMilliseconds ?? 0;
      const wait = Math.max(shortestWait, Math.min(longestAskedWait, fault.waitMilliseconds ?? usualWait));
      lane.notBefore = Math.max(lane.notBefore, now + wait);
      if (asked >= shortestPromise) this.#lastSign = Math.max(this.#lastSign, lane.notBefore); // it lives, and has said when
      this.#wake(lane);
    } else {
      lane.failures++;
      if (fault.kind === 'unreachable' || lane.failures >= failuresToRest) this.#away(lane, fault.message);
    }
    this.#serve();
  }

  #vacate(place: Place): void {
    if (place.isLeft) return;
    const { lane } = place;
    place.isLeft = true;
    place.wasLast = lane.inWork >= lane.concurrency.limit;
    lane.inWork--;
  }

  /** Serves when the lane's time has come: a timer may fire a moment before, and nothing else would come after it. */
  #wake(lane: Lane): void {
    const left = lane.notBefore - performance.now();
    if (left > 0) return this.#later(left, () => this.#wake(lane));
    this.#checkPatience();
    this.#serve();
  }

  /** What an answer usually takes; undefined before there were some. */
  get usualMilliseconds(): number | undefined {
    const sorted = this.#durations.toSorted((a, b) => a - b);
    return sorted.length < 8 ? undefined : sorted[Math.floor(sorted.length / 2)];
  }

  async close(): Promise<void> {
    this.#ending.abort(new Error('closed'));
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.all.map(({ connection }) => connection.close()));
  }

  #serve(): void {
    for (let at = 0; at < this.#waiting.length;) {
      const waiting = this.#waiting[at]!;
      const lane = this.#best(waiting.avoid);
      if (!lane) return;
      this.#waiting.splice(at, 1);
      lane.inWork++;
      waiting.resolve({ lane, isLeft: false, wasLast: false });
    }
  }

  #best(avoid: Lane | undefined): Lane | undefined {
    let best: Lane | undefined;
    const load = (lane: Lane): number => lane.inWork / lane.concurrency.limit + (lane === avoid ? 1 : 0);
    for (const lane of this.all) {
      if (this.#isFree(lane) && (!best || load(lane) < load(best))) best = lane;
    }
    return best;
  }

  #isFree({ isUp, inWork, concurrency, notBefore }: Lane): boolean {
    return isUp && inWork < concurrency.limit && performance.now() >= notBefore;
  }

  #away(lane: Lane, reason: string): void {
    if (!lane.isUp) return;
    lane.isUp = false;
    lane.probes = 0;
    const { name } = lane.connection.address;
    this.#options.onNotice(`${name}: ${withoutName(reason, name)}; it is looked for again`);
    this.#lookFor(lane);
  }

  #lookFor(lane: Lane): void {
    const pause = Math.min(longestProbeMilliseconds, firstProbeMilliseconds * 2 ** lane.probes++);
    this.#later(pause * (0.75 + Math.random() / 2), () => void this.#probe(lane));
  }

  async #probe(lane: Lane): Promise<void> {
    const { signal } = this.#ending;
    try {
      const server = await this.#options.find(lane.connection, signal);
      lane.server = server;
      lane.isUp = true;
      lane.isRefusing = false;
      lane.failures = 0;
      this.#lastSign = performance.now();
      this.#options.onNotice(`${lane.connection.address.name}: is there`);
      this.#serve();
    } catch (thrown) {
      if (signal.aborted) return;
      if (thrown instanceof PixtralError) {
        lane.fault = thrown; // whoever pauses between two attempts is not waiting now
        return this.#giveUp(thrown);
      }
      this.#lookFor(lane);
      this.#checkPatience();
    }
  }

  #checkPatience(): void {
    if (this.all.some(({ isUp, isRefusing }) => isUp && !isRefusing)) return;
    const { patienceMilliseconds: away, busyPatienceMilliseconds: busy } = this.#options;
    const patience = this.all.some(({ isUp }) => isUp) ? busy : away;
    if (performance.now() - this.#lastSign < patience) return;
    const names = this.all.map(({ connection }) => connection.address.name).join(', ');
    this.#giveUp(
      new ServerRefusal('machine', `${names}: nobody has answered for ${patience / 1000} seconds`, {
        hint: 'start the server again; the same command with -o then goes on from here (--server-patience waits longer)',
      }),
    );
  }

  #giveUp(reason: PixtralError): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(reason);
  }

  #later(milliseconds: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, milliseconds);
    this.#timers.add(timer);
  }
}
