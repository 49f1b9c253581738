const numeric = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'] as const;

/** Keywords that say something about values of one type only. */
export const typeKeywords = {
  string: ['minLength', 'maxLength', 'format', 'pattern'],
  number: numeric,
  integer: numeric,
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains', 'minContains', 'maxContains'],
  object: [
    'properties',
    'required',
    'additionalProperties',
    'propertyNames',
    'patternProperties',
    'minProperties',
    'maxProperties',
    'dependentRequired',
  ],
  boolean: [],
  null: [],
} as const satisfies Record<string, readonly string[]>;

export type TypeName = keyof typeof typeKeywords;

export const typeNames = Object.keys(typeKeywords) as TypeName[];

/** Keywords that choose between schemas or values. */
export const choiceKeywords = ['enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref', 'not'] as const;

/** What describes a schema and does not change which values it has. */
export const annotations = [
  'title',
  'description',
  'default',
  'examples',
  '$comment',
  'deprecated',
  'readOnly',
  'writeOnly',
  'discriminator',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
];

/** Notes of the makers of a schema. */
const isNote = (keyword: string): boolean => keyword.startsWith('x-');

/** Where schemas are kept that `$ref` names. */
const definitions = ['$defs', 'definitions'];

/** Whether a keyword says nothing about the values beside it. */
export const isForPeople = (keyword: string): boolean =>
  annotations.includes(keyword) || definitions.includes(keyword) || isNote(keyword);

/** Meaningful at the top of a document only. */
export const rootOnly = ['$schema', '$id'];

/** Every keyword that is supported, for help pages. */
export const supportedKeywords = [
  'type',
  ...new Set(Object.values(typeKeywords).flat()),
  ...choiceKeywords,
  ...definitions,
];
