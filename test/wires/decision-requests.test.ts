import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExactJson } from '../../src/base/exact-json.ts';
import type { Decided } from '../../src/asking/events.ts';
import { type DecisionQuestion, optionsOf } from '../../src/asking/decisions/question.ts';
import type { RecordQuestion } from '../../src/asking/record-hash.ts';
import { schemeSource } from '../../src/image/sources/sources.ts';
import { decisionRequest } from '../../src/wires/decision-request.ts';
import { formatMemo } from '../../src/wires/format-memo.ts';
import { openAiDecision } from '../../src/wires/openai-decisions.ts';
import type { RequestContext } from '../../src/wires/request.ts';
import { systemOneAnswer } from '../../src/wires/systemone.ts';
import { systemOneRequest } from '../../src/wires/systemone-request.ts';

const sampling = { maxTokens: 1, temperature: 0, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, seed: 0 };
const context: RequestContext = {
  defaults: { options: { ...sampling, stop: [] }, detail: 'full', formats: formatMemo() },
  template: undefined,
  sources: (url) => [schemeSource(url)!],
  strict: true,
};
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const uri = `data:image/png;base64,${pixel}`;

const systemOne = (body: object): Promise<RecordQuestion> =>
  systemOneRequest({ where: 'body', record: body as Record<string, unknown> }, context);
const openAi = (body: object): Promise<RecordQuestion> =>
  decisionRequest({ where: 'body', record: { model: 'x', ...body } }, context);

/** Texts as they are, pictures by what they are. */
const contentOf = ({ messages }: RecordQuestion): (readonly [string, string])[] =>
  messages.flatMap(({ role, content }) =>
    content.map(
      (chunk) =>
        [role, chunk.kind === 'image' ? chunk.image.at.slice(0, 14) : chunk.kind === 'text' ? chunk.text : ''] as const,
    ),
  );
const noul = { type: 'noul', instructions: 'Is it torn?' };

test("System One: a state in words, vLLM's images before it, and what stands above all as the system's word", async () => {
  const asked = await systemOne({
    state: 'A scan.',
    images: [uri],
    instructions: 'Be strict.',
    questions: { a: noul },
  });
  assert.deepEqual(contentOf(asked), [
    ['system', 'Be strict.'],
    ['user', 'data:image/png'],
    ['user', 'A scan.'],
    ['user', '\n\n'],
  ]);
  assert.deepEqual(asked.decisions!.questions, [{ name: 'a', type: 'predicate', instructions: 'Is it torn?' }]);
});

test("System One: TypeSafe's pictures stand where the state names them, the longer name first", async () => {
  const assets = { p1: { type: 'image', format: 'png', data_base64: pixel }, p12: { data_base64: pixel } };
  const asked = await systemOne({ state: { before: 'p1', after: 'p12' }, assets, questions: { a: noul } });
  assert.deepEqual(
    contentOf(asked).map(([, text]) => text),
    ['{"before": "', 'data:image/png', '", "after": "', 'data:image/png', '"}', '\n\n'],
  );
});

test('System One: every type of question, with what its criteria say', async () => {
  const long = 'a level of more than a few words';
  const { decisions } = await systemOne({
    state: 'x',
    questions: {
      yes: { type: 'noul', instructions: { ask: 'torn?' }, criteria: { true: 'a tear', false: null } },
      kind: { type: 'choice', criteria: { receipt: 'of a shop', letter: null, __proto: { a: 1 } } },
      few: { type: 'score', instructions: 'How bad?', criteria: ['none', 'some'] },
      long: { type: 'score', instructions: 'How bad?', criteria: ['none', long] },
    },
  });
  assert.deepEqual(decisions!.questions, [
    { name: 'yes', type: 'predicate', instructions: '{"ask":"torn?"}\nyes: a tear' },
    {
      name: 'kind',
      type: 'choice',
      instructions: '',
      options: [
        { value: 'receipt', description: 'of a shop' },
        { value: 'letter' },
        { value: '__proto', description: '{"a":1}' },
      ],
    },
    { name: 'few', type: 'score', instructions: 'How bad?', levels: [{ value: 'none' }, { value: 'some' }] },
    {
      name: 'long',
      type: 'score',
      instructions: 'How bad?',
      levels: [
        { value: '0', description: 'none' },
        { value: '1', description: long },
      ],
    },
  ]);
});

const asked = { state: 'x', questions: { a: noul } };
for (const [what, body, says] of [
  ['no questions', { state: 'x', questions: {} }, /questions: is \{\}, expected a question or more/],
  ['a list of questions', { state: 'x', questions: [noul] }, /questions: is \[.*expected an object/],
  ['nothing to ask about', { state: '', questions: { a: noul } }, /state: is "", expected a text, JSON or images/],
  [
    'a box',
    { state: 'x', questions: { a: { type: 'box' } } },
    /questions\.a: type: is "box", expected noul, choice, score/,
  ],
  ['a type of every object', { state: 'x', questions: { a: { type: 'toString' } } }, /type: is "toString"/],
  [
    'a field of a question',
    { state: 'x', questions: { a: { ...noul, weight: 2 } } },
    /questions\.a: weight is not supported/,
  ],
  ['a field of the body', { ...asked, samples: 4 }, /body: samples is not supported/],
  ['sounds', { ...asked, audio: ['a.wav'] }, /audio: the model takes none/],
  [
    'thinking',
    { ...asked, chat_template_kwargs: { enable_thinking: true } },
    /enable_thinking: is true, expected false/,
  ],
  [
    'a third side',
    { state: 'x', questions: { a: { ...noul, criteria: { maybe: 'x' } } } },
    /criteria: maybe is not supported/,
  ],
  [
    'a noul that asks nothing',
    { state: 'x', questions: { a: { type: 'noul' } } },
    /expected what counts as true or false/,
  ],
  [
    'one option',
    { state: 'x', questions: { a: { type: 'choice', criteria: { a: null } } } },
    /has 1 options, expected 2 to 255/,
  ],
  [
    'eleven levels',
    { state: 'x', questions: { a: { type: 'score', criteria: Array.from('abcdefghijk') } } },
    /has 11 levels/,
  ],
  [
    'levels in an object',
    { state: 'x', questions: { a: { type: 'score', criteria: { a: 1 } } } },
    /expected a list of levels/,
  ],
  [
    'a picture that is named nowhere',
    { ...asked, assets: { pic: { data_base64: pixel } } },
    /pic stands nowhere in the state/,
  ],
  [
    'a picture in a question',
    {
      state: 'pic',
      questions: { a: { type: 'noul', instructions: 'Like pic?' } },
      assets: { pic: { data_base64: pixel } },
    },
    /pic stands in a question/,
  ],
  ['a picture without its bytes', { ...asked, assets: { x: { type: 'image' } } }, /assets\.x: data_base64: is nothing/],
  [
    'a picture named too often',
    { ...asked, state: 'x'.repeat(200), assets: { x: { data_base64: pixel } } },
    /has 200 pictures/,
  ],
] as const) {
  test(`System One: ${what} is refused by name`, async () => {
    await assert.rejects(systemOne(body), (thrown: Error) => {
      assert.equal(thrown.name, 'PixtralError');
      assert.match(thrown.message, says);
      return true;
    });
  });
}

test('JSON is told with all digits of its numbers and its keys in their order', async () => {
  const json = '{"state":{"10":9007199254740993,"2":1.50},"questions":{"a":{"type":"noul","instructions":"x"}}}';
  const body = {
    where: 'body',
    record: JSON.parse(json) as Record<string, unknown>,
    exact: () => parseExactJson(json),
  };
  assert.equal(contentOf(await systemOneRequest(body, context))[0]![1], '{"10": 9007199254740993, "2": 1.5}');
  const other = `{"input":[{"role":"user","content":[{"type":"input_json","data":{"9":9007199254740993,"1":0}}]}],"questions":["x"]}`;
  const asked = await decisionRequest(
    { where: 'body', record: JSON.parse(other) as Record<string, unknown>, exact: () => parseExactJson(other) },
    context,
  );
  assert.equal(contentOf(asked)[0]![1], '{"9": 9007199254740993, "1": 0}\n');
});

test("Decisions: parts of JSON are told as text, and a question's parts are its words", async () => {
  const content = [
    { type: 'input_json', data: { total: 7 } },
    { type: 'input_image', image_url: uri, detail: 'low' },
  ];
  const question = await openAi({
    input: [{ type: 'message', role: 'user', content }],
    questions: [
      {
        type: 'predicate',
        instructions: [
          { type: 'input_text', text: 'Is it' },
          { type: 'input_json', data: [{ a: 1 }] },
        ],
      },
    ],
  });
  assert.deepEqual(contentOf(question), [
    ['user', '{"total": 7}\n'],
    ['user', 'data:image/png'],
  ]);
  assert.equal(question.detail, 'low');
  assert.equal(question.decisions!.questions[0]!.instructions, 'Is it\n[{"a":1}]');
});

const ask = { type: 'predicate', instructions: 'x' };
for (const [what, body, says] of [
  [
    'a picture in a question',
    { input: 'x', questions: [{ type: 'predicate', instructions: [{ type: 'input_image', image_url: uri }] }] },
    /expected the question in words/,
  ],
  [
    'a call of a tool',
    { input: [{ type: 'function_call', name: 'f', arguments: '', call_id: '1' }], questions: [ask] },
    /calls of tools are not read/,
  ],
  ['an unknown field', { input: 'x', questions: [ask], temperature: 1 }, /body: temperature is not supported/],
  [
    'options of the same text',
    { input: 'x', questions: [{ type: 'choice', instructions: 'x', choices: [{ value: true }, { value: 'true' }] }] },
    /has the same option twice/,
  ],
  [
    'pictures seen unlike',
    {
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_image', image_url: uri, detail: 'low' },
            { type: 'input_image', image_url: uri },
          ],
        },
      ],
      questions: [ask],
    },
    /1 of 2 images ask for detail low/,
  ],
] as const) {
  test(`Decisions: ${what} is refused by name`, async () => {
    await assert.rejects(openAi(body), (thrown: Error) => {
      assert.equal(thrown.name, 'PixtralError');
      assert.match(thrown.message, says);
      return true;
    });
  });
}

function decided(questions: readonly DecisionQuestion[], shares: readonly number[]): Decided {
  const readings = questions.map((question) => ({
    question,
    probabilities: optionsOf(question).map((_, option) => shares[option]!),
    mass: 0.5,
    argmaxIsOption: true,
    orderEffect: undefined,
  }));
  return {
    model: 'm',
    readings,
    images: [],
    usage: { prompt: 9, image: 0 },
    timings: { load_ms: 0, image_ms: 0, encode_ms: 0, prefill_ms: 0, decode_ms: 0 },
  };
}

test("System One: answers are in vLLM's form, scores counted from 0, and names of every object are names", async () => {
  const { decisions } = await systemOne({
    state: 'x',
    questions: JSON.parse(
      '{"__proto__":{"type":"noul","instructions":"x"},"kind":{"type":"choice","criteria":{"b":null,"__proto__":null}},"bad":{"type":"score","criteria":["no","very"]}}',
    ) as object,
  });
  const { created, ...answer } = systemOneAnswer(decided(decisions!.questions, [0.25, 0.75]), '7');
  assert.ok(created > 1.7e9);
  assert.equal(
    JSON.stringify(answer),
    JSON.stringify({
      id: 'decision-7',
      object: 'structured_decision',
      model: 'm',
      answers: {
        ['__proto__']: { type: 'noul', noul: 0.25, probabilities: { yes: 0.25, no: 0.75 }, confidence: 0.375 },
        kind: {
          type: 'choice',
          choice: '__proto__',
          probabilities: { b: 0.25, ['__proto__']: 0.75 },
          confidence: 0.375,
        },
        bad: {
          type: 'score',
          score: 0.75,
          legend: { 0: 'no', 1: 'very' },
          probabilities: { 0: 0.25, 1: 0.75 },
          confidence: 0.375,
        },
      },
      usage: { input_tokens: 9, output_tokens: 0 },
      diagnostics: {
        ['__proto__']: { label_mass: 0.5, argmax_is_label: true },
        kind: { label_mass: 0.5, argmax_is_label: true },
        bad: { label_mass: 0.5, argmax_is_label: true },
      },
    }),
  );
});

test('Decisions: a choice that was given as true is answered as true', async () => {
  const { decisions } = await openAi({
    input: 'x',
    questions: [{ type: 'choice', name: 'c', instructions: 'x', choices: [{ value: true }, { value: 'false' }] }],
  });
  const [answer] = openAiDecision(decided(decisions!.questions, [0.75, 0.25])).answers as unknown as {
    choice: unknown;
    probabilities: { value: unknown }[];
  }[];
  assert.deepEqual([answer!.choice, answer!.probabilities.map(({ value }) => value)], [true, [true, 'false']]);
});
