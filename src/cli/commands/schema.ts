import { Command } from 'commander';
import type { Io } from '../io.ts';

export function schemaCommand(io: Io): Command {
  return new Command('schema')
    .description('Show the JSON Schema that a short form of --schema stands for.')
    .argument('<text>', "names with types: 'shop, date: date, total: number, items[]: {name, price: number}'")
    .addHelpText('after', help)
    .action(async (text: string) => {
      const { shortSchema } = await import('../../grammar/short-schema.ts');
      io.stdout.write(`${JSON.stringify(shortSchema(text), null, 2)}\n`);
    });
}

const help = `
A field without a type is a text. Types: number, integer, boolean, text, date, time, email and the other formats, words
to choose from (paid: yes|no), fields in braces. name[] is a list, name? may be missing.

  pixtral schema 'shop, total: number' > receipt.json
  pixtral ask receipt.jpg "what was bought?" --schema 'shop, total: number'`;
