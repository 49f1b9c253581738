import { pointerStep } from '../base/json-pointer.ts';
import type { TextPattern } from './pattern.ts';

/** A value of JSON. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What a JSON Schema says, as far as it is supported. */
export type Schema =
  | { kind: 'any' }
  | { kind: 'values'; values: Json[] }
  | { kind: 'string'; min: number; max: number | undefined }
  | { kind: 'format'; format: string }
  /** With the lengths that are asked for beside it. */
  | { kind: 'pattern'; pattern: TextPattern; min: number; max: number | undefined }
  /** A bound that `isAbove` or `isBelow` is no value itself. */
  | {
      kind: 'integer' | 'number';
      min: number;
      max: number;
      isAbove: boolean;
      isBelow: boolean;
      step: number | undefined;
    }
  | { kind: 'array'; prefix: Schema[]; rest: Schema | undefined; min: number; max: number | undefined }
  | {
      kind: 'object';
      properties: Property[];
      rest: Schema | undefined;
      names: Schema | undefined;
      min: number;
      max: number | undefined;
    }
  /** `false`, `not: {}`: no value at all. */
  | { kind: 'never' }
  /** `oneOf`: its place, where no value may fit two branches. */
  | { kind: 'union'; branches: Schema[]; oneOf?: string }
  | { kind: 'ref'; target: string };

export interface Property {
  name: string;
  schema: Schema;
  required: boolean;
}

/** A schema with the targets of its references, by JSON pointer. */
export interface SchemaDocument {
  root: Schema;
  targets: ReadonlyMap<string, Schema>;
}

/** A place in a schema: its JSON pointer and what is there. */
export interface Place {
  pointer: string;
  value: Json;
}

export type JsonObject = { [name: string]: Json };

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The place of a member or an element. */
export function child({ pointer, value }: Place, ...keys: (string | number)[]): Place {
  const [key, ...more] = keys;
  if (key === undefined) return { pointer, value };
  const inside = (value as JsonObject)[String(key)]!;
  return child({ pointer: `${pointer}/${pointerStep(key)}`, value: inside }, ...more);
}
