import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A held-out drawing (or two) of fixtures/demo/world.py with one question: a record of `pixtral batch`. */
export interface Scene {
  id: number;
  /** Names in the scenes' folder. */
  images: string[];
  /** `colour`, `count`, `json`, ... */
  kind: string;
  prompt: string;
  answer: string;
  /** Of the fixed scenes: how likely transformers in float32 finds its greedy answer, as a natural logarithm. */
  logprob?: number;
}

export function readScenes(folder: string): Scene[] {
  const lines = readFileSync(join(folder, 'scenes.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Scene);
}
