import assert from 'node:assert/strict';

export interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid?: number;
  ts?: number;
  dur?: number;
  id?: number;
  args?: Record<string, unknown>;
}

/**
 * Reads a trace as Chrome's viewer takes it: an array of events, each complete (X), one of a pair (b, e) or a name (M);
 * what is complete on a thread lies within another or beside it.
 */
export function readTrace(text: string): TraceEvent[] {
  const events = JSON.parse(text) as TraceEvent[];
  assert.ok(Array.isArray(events));
  const named = new Set<number | undefined>();
  for (const event of events) {
    assert.equal(typeof event.name, 'string');
    assert.equal(event.pid, 1);
    if (event.ph === 'M') {
      assert.equal(typeof event.args?.['name'], 'string');
      named.add(event.tid);
      continue;
    }
    assert.ok(named.has(event.tid), 'a thread has its name before its first event');
    assert.ok(Number.isInteger(event.ts) && event.ts! >= 0);
    if (event.ph === 'X') assert.ok(Number.isInteger(event.dur) && event.dur! >= 0);
    else assert.ok(['b', 'e'].includes(event.ph) && Number.isInteger(event.id), event.ph);
  }
  checkPairs(events);
  checkNesting(events.filter(({ ph }) => ph === 'X'));
  return events;
}

function checkPairs(events: readonly TraceEvent[]): void {
  const begun = new Map(events.filter(({ ph }) => ph === 'b').map((event) => [event.id, event]));
  const ended = events.filter(({ ph }) => ph === 'e');
  assert.equal(ended.length, begun.size);
  for (const { id, name, ts } of ended) {
    assert.equal(begun.get(id)?.name, name);
    assert.ok(begun.get(id)!.ts! <= ts!);
  }
}

function checkNesting(events: readonly TraceEvent[]): void {
  for (const tid of new Set(events.map((event) => event.tid))) {
    const open: number[] = [];
    const own = events.filter((event) => event.tid === tid);
    for (const { ts, dur } of own.toSorted((one, other) => one.ts! - other.ts! || other.dur! - one.dur!)) {
      while (open.length > 0 && open.at(-1)! <= ts!) open.pop();
      const end = ts! + dur!;
      assert.ok(open.length === 0 || end <= open.at(-1)!, `events of thread ${tid} overlap`);
      open.push(end);
    }
  }
}
