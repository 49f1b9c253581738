import type { RecordQuestion } from '../asking/record-hash.ts';
import { endpointOf, endpoints } from './endpoints.ts';
import { type Fields, asRecord, exactPart, wrong } from './fields.ts';
import type { RequestContext } from './request.ts';

/** A line of the input file of OpenAI's Batch API: everything it asks is in its body. */
export async function batchRequest(line: Fields, context: RequestContext): Promise<RecordQuestion> {
  const { where, record } = line;
  const endpoint = endpointOf(record['url'], `${where}: url`);
  if ((record['method'] ?? 'POST') !== 'POST') throw wrong(`${where}: method`, record['method'], '"POST"');
  const place = `${where}: body`;
  const body = { where: place, record: asRecord(record['body'], place), exact: () => exactPart(line, ['body']) };
  return endpoints[endpoint](body, context);
}
