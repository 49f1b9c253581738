import type { RecordQuestion } from '../asking/record-hash.ts';
import { endpoints, isEndpoint } from './endpoints.ts';
import { type Fields, asRecord, wrong } from './fields.ts';
import type { RequestContext } from './request.ts';

/** A line of the input file of OpenAI's Batch API: everything it asks is in its body. */
export async function batchRequest({ where, record }: Fields, context: RequestContext): Promise<RecordQuestion> {
  const { url } = record;
  if (!isEndpoint(url)) {
    const known = Object.keys(endpoints).map((one) => JSON.stringify(one));
    throw wrong(`${where}: url`, url, known.join(' or '));
  }
  if ((record['method'] ?? 'POST') !== 'POST') throw wrong(`${where}: method`, record['method'], '"POST"');
  const body = { where: `${where}: body`, record: asRecord(record['body'], `${where}: body`) };
  return endpoints[url](body, context);
}
