import { callId } from '../asking/call-id.ts';
import type { AnswerCall } from '../asking/events.ts';
import { PixtralError } from '../base/errors.ts';
import { asCount, asObject, asText } from './json.ts';

/** Calls of tools that grow with the parts of a stream, or come whole. */
export interface CallWriter {
  /** Takes the `tool_calls` of a message or of a delta. */
  take(parts: readonly unknown[]): void;
  /** @throws PixtralError `machine` for a call without a name */
  whole(): AnswerCall[];
}

/** More calls in one answer mean a server that has lost its way. */
const mostCalls = 1024;

interface Growing {
  id: string;
  name: string;
  json: string;
}

/** @param name the server's */
export function callWriter(name: string): CallWriter {
  const calls = new Map<number, Growing>();
  return {
    take(parts) {
      for (const [position, part] of parts.entries()) {
        const fields = asObject(part) ?? {};
        const at = asCount(fields['index']) ?? position;
        const call = calls.get(at) ?? { id: '', name: '', json: '' };
        const called = asObject(fields['function']);
        call.id ||= asText(fields['id']) ?? '';
        call.name ||= asText(called?.['name']) ?? '';
        call.json += argumentsOf(called?.['arguments']);
        calls.set(at, call);
        if (calls.size > mostCalls) throw new PixtralError('machine', `${name}: asks for more than ${mostCalls} tools`);
      }
    },
    whole: () =>
      [...calls].toSorted(([one], [other]) => one - other).map(([at, call]) => wholeCall(call, { at, name })),
  };
}

/** Some servers send the object itself. */
function argumentsOf(value: unknown): string {
  return asText(value) ?? (asObject(value) ? JSON.stringify(value) : '');
}

/** A call without an id gets one, with which the conversation can go on. */
function wholeCall({ id, name: called, json }: Growing, { at, name }: { at: number; name: string }): AnswerCall {
  if (called === '') throw new PixtralError('machine', `${name}: asks for a tool without a name`);
  return { id: id || callId([at, called, json]), type: 'function', function: { name: called, arguments: json } };
}
