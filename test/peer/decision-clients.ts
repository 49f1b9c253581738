import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { startServer } from '../helpers/server.ts';

/**
 * Outside CI: the Python clients of OpenAI's Decisions API and of TypeSafe's System One ask `pixtral serve`, and their
 * own types, strictly, read what `serve` and `batch` answer.
 * Usage: npm run compare:decisions -- <python with openai and typesafe-sdk>
 */
const python = process.argv[2] ?? 'python3';
const root = mkdtempSync(join(tmpdir(), 'pixtral-peer-decisions-'));
const picture = scenePath('demo/0022a.png');

const script = `
import base64, json, sys, openai, typesafe_sdk
from pathlib import Path
from openai.types import Decision
import typesafe_sdk._schemas.models as wire
url, picture, lines = sys.argv[1:]
uri = 'data:image/png;base64,' + base64.b64encode(Path(picture).read_bytes()).decode()

client = openai.OpenAI(base_url=url + '/v1', api_key='none', max_retries=0)
decision = client.decisions.create(model='demo',
  input=[{'role': 'user', 'content': [{'type': 'input_image', 'image_url': uri, 'detail': 'auto'}]}],
  questions=[
    {'type': 'predicate', 'instructions': [{'type': 'input_text', 'text': 'is there a green star?'}]},
    {'type': 'choice', 'name': 'count', 'instructions': 'how many shapes are there?', 'choices': [{'value': '3'}, {'value': '4'}]},
    {'type': 'choice', 'name': 'odd', 'instructions': 'how many shapes are there?', 'choices': [{'value': True}, {'value': 'no'}]},
    {'type': 'score', 'name': 'level', 'instructions': 'how many shapes are there?', 'levels': [{'label': '3'}, {'label': '4'}]}])
strict = Decision.model_validate_json(decision.model_dump_json(), strict=True)
star, count, odd, level = strict.answers
assert (star.type, star.name, star.probability > 0.9) == ('predicate', None, True), star
assert (count.type, count.name, count.choice) == ('choice', 'count', '4'), count
assert {type(p.value) for p in odd.probabilities} == {bool, str}, odd
assert level.type == 'score' and [p.value for p in level.probabilities] == [1, 2] and level.score > 1.9, level
assert strict.usage.input_tokens > 0
print('openai', openai.__version__, 'asks and reads /v1/decisions')

typesafe = typesafe_sdk.TypeSafeClient(api_key='none', base_url=url)
answer = typesafe.system_one(state=typesafe_sdk.Image(Path(picture)), model='demo', questions={
  'star': {'type': 'noul', 'instructions': 'is there a green star?'},
  'count': {'type': 'choice', 'instructions': 'how many shapes are there?', 'criteria': {'3': None, '4': None}},
  'level': {'type': 'score', 'instructions': 'how many shapes are there?', 'criteria': ['3', '4']}})
assert answer.choices['count'].choice == '4' and answer.scores['level'].legend == {0: '3', 1: '4'}, answer
assert 0 <= answer.nouls['star'].noul <= 1 and answer.usage.input_tokens > 0
print('typesafe-sdk', typesafe_sdk.__version__, 'asks and reads /v1/systemone, with a picture')

for line in Path(lines).read_text().splitlines():
  record = json.loads(line)
  body = json.dumps(record['response']['body'])
  if record['custom_id'] == 'openai': Decision.model_validate_json(body, strict=True)
  else: assert wire.SystemOneResponse.model_validate_json(body).answers['n'].root.type == 'noul'
print("both clients' types read lines of batch")
`;

async function batchLines(): Promise<string> {
  const records = join(root, 'records.jsonl');
  const input = [{ role: 'user', content: [{ type: 'input_image', image_url: picture }] }];
  const questions = [{ type: 'predicate', instructions: 'is there a star?' }];
  const n = { type: 'noul', instructions: 'is there a star?' };
  const lines = [
    { custom_id: 'openai', url: '/v1/decisions', body: { model: 'x', input, questions } },
    { custom_id: 'typesafe', url: '/v1/systemone', body: { state: '', images: [picture], questions: { n } } },
  ];
  writeFileSync(records, lines.map((line) => JSON.stringify(line)).join('\n'));
  const answers = join(root, 'answers.jsonl');
  const { exitCode, stderr } = await cli(
    ['batch', '--model', 'demo', '--gpu', 'off', '--records', records, '-o', answers],
    { env: { PIXTRAL_CACHE: join(root, 'cache') } },
  );
  if (exitCode !== 0) throw new Error(stderr);
  return answers;
}

const server = await startServer(join(root, 'cache'));
try {
  const { stdout } = await promisify(execFile)(python, ['-c', script, server.url, picture, await batchLines()]);
  process.stdout.write(stdout);
} finally {
  await server.stop(constants.signals.SIGINT);
  rmSync(root, { recursive: true, force: true });
}
