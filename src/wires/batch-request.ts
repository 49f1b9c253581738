import type { RecordQuestion } from '../asking/record-hash.ts';
import { endpoints, isEndpoint } from './endpoints.ts';
import { type Fields, asRecord, exactPart, wrong } from './fields.ts';
import type { RequestContext } from './request.ts';

/** A line of the input file of OpenAI's Batch API: everything it asks is in its body. */
export async function batchRequest(line: Fields, context: RequestContext): Promise<RecordQuestion> {
  const { where, record } = line;
  const { url } = record;
  if (!isEndpoint(url)) {
    const known = Object.keys(endpoints).map((one) => JSON.stringify(one));
    throw wrong(`${where}: url`, url, known.join(' or '));
  }
  if ((record['method'] ?? 'POST') !== 'POST') throw wrong(`${where}: method`, record['method'], '"POST"');
  const place = `${where}: body`;
  const body = { where: place, record: asRecord(record['body'], place), exact: () => exactPart(line, ['body']) };
  return endpoints[url](body, context);
}
