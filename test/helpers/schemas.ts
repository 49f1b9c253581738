import * as fc from './fast-check.ts';
import type { Json } from '../../src/grammar/schema.ts';

/** Names that a careless converter would write wrongly, or write twice. */
const names = ['a', 'ab', 'abc', 'b c', '', 'é', '日本', 'a"b', '\\', '\u0001', 'toString', '😀', 'a/b~c', '\u007f'];

const scalar = fc.oneof(
  fc.constantFrom<Json>(null, true, false, '', 'red', 'a"b\\', '\ud800', 0, -1, 1.5, 1e21),
  fc.string({ maxLength: 5 }),
);
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom(...names.filter((name) => name !== 'toString')), scalar, { noNullPrototype: true }),
);

const counts = (least: string, most: string, max: number) =>
  fc
    .tuple(fc.option(fc.nat(max), { nil: undefined }), fc.option(fc.nat(max), { nil: undefined }))
    .map(([min, extra]) => ({
      ...(min !== undefined && { [least]: min }),
      ...(extra !== undefined && { [most]: (min ?? 0) + extra }),
    }));

const bounds = (span: number) =>
  fc.tuple(fc.integer({ min: -span, max: span }), fc.nat(span), fc.boolean(), fc.boolean());

const text = fc
  .oneof(
    { weight: 4, arbitrary: counts('minLength', 'maxLength', 9) },
    { weight: 1, arbitrary: counts('minLength', 'maxLength', 900) },
    fc.constantFrom('date', 'time', 'date-time', 'uuid').map((format) => ({ format })),
  )
  .map((keywords): Json => ({ type: 'string', ...keywords }));

const whole = fc.tuple(fc.constantFrom(9, 150, 10 ** 14), fc.boolean()).chain(([span, exclusive]) =>
  bounds(span).map(([min, extra, hasMin, hasMax]): Json => ({
    type: 'integer',
    ...(hasMin && (exclusive ? { exclusiveMinimum: min } : { minimum: min })),
    ...(hasMax && (exclusive ? { exclusiveMaximum: min + extra + 2 } : { maximum: min + extra })),
  })),
);

const decimal = fc.constantFrom(1, 120, 10 ** 14).chain((span) =>
  bounds(span).map(([min, extra, hasMin, hasMax]): Json => ({
    type: 'number',
    ...(hasMin && { minimum: min }),
    ...(hasMax && { maximum: min + extra }),
  })),
);

const leaf: fc.Arbitrary<Json> = fc.oneof(
  text,
  whole,
  decimal,
  fc.array(value, { minLength: 1, maxLength: 4 }).map((values): Json => ({ enum: values })),
  value.map((one): Json => ({ const: one })),
  fc
    .subarray(['string', 'number', 'integer', 'boolean', 'null', 'array', 'object'], { minLength: 1 })
    .map((type): Json => ({ type, title: 'some types', examples: [1] })),
  fc.constantFrom<Json>(true, {}, { description: 'anything' }),
);

/** Lists, objects, unions and references of smaller schemas. */
function branch(inner: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  const list = fc
    .tuple(fc.option(inner, { nil: undefined }), counts('minItems', 'maxItems', 3))
    .map(([items, limits]): Json => ({ type: 'array', ...(items !== undefined && { items }), ...limits }));
  const tuple = fc
    .tuple(
      fc.array(inner, { minLength: 1, maxLength: 3 }),
      fc.option(fc.oneof(inner, fc.boolean()), { nil: undefined }),
      fc.nat(3),
    )
    .map(([prefixItems, items, minItems]): Json => ({
      type: 'array',
      prefixItems,
      ...(items !== undefined && { items }),
      minItems: Math.min(minItems, prefixItems.length),
    }));
  const object = fc
    .tuple(
      fc.uniqueArray(fc.tuple(fc.constantFrom(...names), inner, fc.boolean()), {
        maxLength: 4,
        selector: ([name]) => name,
      }),
      fc.option(fc.oneof(inner, fc.boolean()), { nil: undefined }),
    )
    .map(([properties, additionalProperties]): Json => ({
      type: 'object',
      properties: Object.fromEntries(properties.map(([name, schema]) => [name, schema])),
      required: properties.filter(([, , required]) => required).map(([name]) => name),
      ...(additionalProperties !== undefined && { additionalProperties }),
    }));
  const anyOf = fc.array(inner, { minLength: 1, maxLength: 3 }).map((branches): Json => ({ anyOf: branches }));
  const oneOf = fc.tuple(text, whole, inner).map(([string, number, tagged]): Json => ({
    oneOf: [
      string,
      number,
      { type: 'object', properties: { kind: { const: 1 }, more: tagged }, required: ['kind'] },
      { type: 'object', properties: { kind: { const: 'x' } }, required: ['kind'] },
    ],
  }));
  return fc.oneof(list, tuple, object, anyOf, oneOf);
}

const reference: fc.Arbitrary<Json> = fc.constantFrom<Json>({ $ref: '#/$defs/tree' }, { $ref: '#/$defs/leaf~1' });

/** JSON Schemas of everything that is supported, references to themselves included. */
export const schemas: fc.Arbitrary<Json> = fc
  .tuple(branch(fc.oneof(leaf, reference, branch(fc.oneof(leaf, reference)))), leaf)
  .map(([root, definition]): Json => ({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...(root as { [name: string]: Json }),
    $defs: {
      'leaf/': definition,
      tree: {
        type: 'object',
        properties: {
          value: { $ref: '#/$defs/leaf~1' },
          children: { type: 'array', items: { $ref: '#/$defs/tree' }, maxItems: 2 },
        },
        required: ['value'],
        additionalProperties: false,
      },
    },
  }));
