import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { cli } from '../helpers/cli.ts';

const printed = async (...words: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await cli(words);
  assert.deepEqual([exitCode, stderr], [0, '']);
  return stdout;
};

/** Long options of each command, from their help pages. */
async function optionsByCommand(): Promise<Map<string, string[]>> {
  const commands = [...(await printed('--help')).matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
  const options = new Map<string, string[]>();
  for (const command of commands.filter((name) => !['help', 'pixtral', 'export', 'curl'].includes(name))) {
    const page = await printed(command, '--help');
    options.set(
      command,
      [...page.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name!),
    );
  }
  for (const inside of ['batch split', 'batch merge']) {
    const page = await printed(...inside.split(' '), '--help');
    options.set(
      inside,
      [...page.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name!),
    );
  }
  assert.ok(options.get('ask')!.length > 20 && options.size >= 7);
  return options;
}

for (const page of [['completion', 'bash'], ['completion', 'zsh'], ['completion', 'fish'], ['man']]) {
  test(`${page.join(' ')} has every option of every command`, async () => {
    const text = (await printed(...page)).replaceAll('\\-', '-');
    for (const [command, options] of await optionsByCommand()) {
      for (const word of command.split(' ')) assert.ok(text.includes(word), command);
      for (const option of options) {
        assert.ok(text.includes(`--${option}`) || text.includes(` -l ${option} `), `${command} --${option}`);
      }
    }
  });
}

const isThere = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const inShell = (shell: string, ...words: string[]): string => {
  const { status, stdout, stderr } = spawnSync(shell, words, { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout;
};

test('bash completes commands, options, values behind a space or =, and leaves the rest to file names', async (t) => {
  if (!isThere('bash')) return t.skip('no bash here');
  const script = await printed('completion', 'bash');
  const complete = (...words: string[]): string[] => {
    const line = words.map((word) => `'${word}'`).join(' ');
    const ask = `COMP_WORDS=(pixtral ${line}); COMP_CWORD=${words.length}; _pixtral 2>/dev/null; echo "\${COMPREPLY[*]}"`;
    return inShell('bash', '--norc', '-c', `${script}\n${ask}`).trim().split(' ');
  };
  assert.deepEqual(complete('as'), ['ask']);
  assert.deepEqual(complete('ask', '--gpu-'), ['--gpu-layers']);
  assert.deepEqual(complete('ask', '--gpu', 'v'), ['vulkan']);
  assert.deepEqual(complete('ask', '--gpu', '=', 'o'), ['off']);
  assert.deepEqual(complete('convert', '-t', 'q8'), ['q8_0']);
  assert.deepEqual(complete('completion', ''), ['bash', 'zsh', 'fish']);
  assert.deepEqual(complete('help', 'do'), ['doctor']);
  assert.deepEqual(complete('batch', 'spl'), ['split']);
  assert.deepEqual(complete('batch', '--sha'), ['--shard']);
  assert.deepEqual(complete('batch', 'split', '--fo'), ['--for']);
  assert.deepEqual(complete('batch', 'split', '--for', 'mi'), ['mistral']);
  assert.ok(!complete('batch', 'merge', '-').includes('--shard'));
  assert.deepEqual(complete('ask', '--schema', ''), ['']);
  assert.deepEqual(complete('ask', 'pic'), ['']);
  const registered = inShell('bash', '--norc', '-c', `${script}\ncomplete -p pixtral`);
  assert.equal(registered, 'complete -o default -F _pixtral pixtral\n');
  return undefined;
});

test('fish completes commands, options and values', async (t) => {
  if (!isThere('fish')) return t.skip('no fish here');
  const script = await printed('completion', 'fish');
  const complete = (line: string): string[] =>
    inShell('fish', '--no-config', '-c', `${script}\ncomplete -C '${line}'`)
      .split('\n')
      .map((one) => one.split('\t')[0]!);
  assert.ok(complete('pixtral as').includes('ask'));
  assert.ok(complete('pixtral ask --gpu-').includes('--gpu-layers'));
  assert.deepEqual(complete('pixtral ask --gpu v').slice(0, 1), ['vulkan']);
  assert.ok(complete('pixtral completion z').includes('zsh'));
  return undefined;
});

test('zsh completes commands, options and values', async (t) => {
  if (!isThere('zsh')) return t.skip('no zsh here');
  const script = await printed('completion', 'zsh');
  // _describe and _arguments are what zsh's own completion calls; they are caught, as a terminal would be needed to press Tab.
  const list = '${(P)2}'; // the array whose name is the second argument
  const caught = `_describe() { print -l -- ${list} }; _arguments() { print -rl -- "$@"; state=$WANT }; compdef() { }`;
  const run = (want: string, words: string): string =>
    inShell('zsh', '-f', '-c', `${caught}\n${script}\nWANT=${want}; words=(${words}); _pixtral`);
  assert.match(run('command', ''), /^ask:Ask about pictures/m);
  assert.match(run('rest', 'ask'), /^\*--gpu\[where to compute.*\]:<kind>:\(auto cuda vulkan metal off\)$/m);
  assert.match(run('rest', 'completion'), /^\*:shell:\(bash zsh fish\)$/m);
  return undefined;
});

test('the manual is roff that groff takes without a warning', async (t) => {
  if (!isThere('groff')) return t.skip('no groff here');
  const page = await printed('man');
  const { stdout, stderr } = spawnSync('groff', ['-man', '-ww', '-Tutf8', '-P-cbou'], {
    input: page,
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  assert.match(stdout, /^ {7}--choices <a,b,\.\.\.>\n {14}exactly one of these/m);
  assert.match(stdout, /pixtral ask photo\.jpg "Is it day or night\?" --choices day,night/);
});
