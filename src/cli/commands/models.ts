import { Argument, Command } from 'commander';
import { modelsFolder } from '../../base/models-folder.ts';
import { PixtralError } from '../../base/errors.ts';
import type { Verified } from '../../store/models.ts';
import type { Io } from '../io.ts';
import { printable, shownAt } from '../../output/printable.ts';

const actions = ['ls', 'show', 'verify', 'rm', 'default', 'path'] as const;
type Action = (typeof actions)[number];

interface ModelsFlags {
  sum?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export function modelsCommand(io: Io): Command {
  return new Command('models')
    .description('Show, choose and remove the models that pixtral pull has installed.')
    .addArgument(new Argument('[action]', 'what to do').choices(actions).default('ls'))
    .argument('[model]', 'the name of an installed model')
    .option('--sum', 'with show: read both files and print their sha256 as it is now')
    .option('-q, --quiet', 'with ls: names only, one a line')
    .option('--json', 'one JSON line instead of text')
    .addHelpText('after', notes)
    .action((action: Action, name: string | undefined, flags: ModelsFlags) => models(action, { name, flags, io }));
}

const notes = `
  ls       what is installed; * is used when none is named   default  print the default, or choose another
  show     where a model came from, its commit, type, sums   path     print a model's folder, or where all are
  verify   read a model, or all: is it what was installed?   rm       remove a model

They are in PIXTRAL_MODELS, or in the platform's folder for pixtral's data. --model and PIXTRAL_MODEL take their names.

Examples:
  pixtral models
  pixtral models default pixtral-12b-2409-q4_k_m
  pixtral ask photo.jpg "describe this" --model pixtral-12b-2409-q8_0`;

async function models(
  action: Action,
  { name, flags, io }: { name: string | undefined; flags: ModelsFlags; io: Io },
): Promise<void> {
  const folder = modelsFolder(io.env);
  const store = await import('../../store/models.ts');
  const show = await import('../../output/models.ts');
  const { jsonLine } = await import('../../wires/json.ts');
  const print = (shape: object, text: string): void =>
    io.stdout.write(flags.json === true ? jsonLine(shape) : printable(text));
  switch (action) {
    case 'ls': {
      const found = await store.installedModels(folder);
      const usual = await store.defaultModel(folder);
      if (flags.quiet === true) io.stdout.write(shownAt(io.stdout, found.map(({ name: one }) => `${one}\n`).join('')));
      else print(show.modelsJson(found, { folder, usual }), show.modelsText(found, { folder, usual }));
      break;
    }
    case 'show': {
      const model = name === undefined ? await store.defaultModel(folder) : await store.requireModel(folder, name);
      if (model === undefined) throw noDefault();
      const sums = flags.sum === true ? await store.pairSums(model, io.signal) : undefined;
      print(show.modelJson(model, sums), show.modelText(model, sums));
      break;
    }
    case 'verify': {
      const found = name === undefined ? await store.installedModels(folder) : [await store.requireModel(folder, name)];
      const verified: Verified[] = [];
      for (const model of found) verified.push(await store.verifyModel(model, io.signal));
      print(show.verifiedJson(verified), show.verifiedText(verified));
      refuseDamaged(verified);
      break;
    }
    case 'rm': {
      const removed = await store.removeModel(folder, named(action, name));
      print({ removed: removed.name, bytes: removed.bytes }, show.removedText(removed));
      break;
    }
    case 'default': {
      if (name !== undefined) await store.chooseDefault(folder, name);
      const usual = await store.defaultModel(folder);
      if (usual === undefined) throw noDefault();
      print({ default: usual.name }, `${usual.name}\n`);
      break;
    }
    case 'path': {
      const path = name === undefined ? folder : (await store.requireModel(folder, name)).folder;
      print({ path }, `${path}\n`);
      break;
    }
  }
}

function named(action: Action, name: string | undefined): string {
  if (name !== undefined) return name;
  throw new PixtralError('usage', `models ${action}: no model named, expected one`, {
    hint: 'pixtral models lists what is installed',
  });
}

function refuseDamaged(verified: readonly Verified[]): void {
  const damaged = verified.find(({ state }) => state === 'damaged');
  if (damaged === undefined) return;
  const { name, folder, record } = damaged.model;
  const type = record.type === 'gguf' ? '' : ` --type ${record.type}`;
  throw new PixtralError(
    'model',
    `${folder}: ${damaged.damaged.join(' and ')}: not what was installed, expected the sha256 that was recorded`,
    {
      hint: `install it again: pixtral pull '${record.source}'${type} --name ${name} --force`,
    },
  );
}

function noDefault(): PixtralError {
  return new PixtralError('model', 'models: none is the default', {
    hint: 'choose one with pixtral models default <name>, or install one with pixtral pull pixtral-12b',
  });
}
