/**
 * A signal that also ends after a time. Not `AbortSignal.timeout` inside of `any`: nothing there keeps that one, and on
 * Node 20 it is collected and never ends anything.
 */
export function within(signal: AbortSignal, milliseconds: number): AbortSignal {
  const late = new AbortController();
  setTimeout(() => late.abort(new DOMException('The time is over', 'TimeoutError')), milliseconds).unref();
  return AbortSignal.any([signal, late.signal]);
}
