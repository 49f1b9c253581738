/**
 * Lines that come to `chat` through a pipe, changed at random:
 *
 *   npm run attack:chat -- --count 1000 --seed 1
 *
 * Each conversation ends with an exit code of ours, and nothing in it steers a terminal.
 */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printable } from '../../src/output/printable.ts';
import { type Random, changed } from '../fuzz/mutate.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { convertedPair } from '../helpers/converted.ts';
import { type Attempts, attack } from './attempts.ts';
import { hostileJson, oneOf } from './hostile-values.ts';

/** Commands that write no file: a name at random would lie about. */
const commands = ['image', 'drop', 'system', 'schema', 'retry', 'edit', 'open', 'tokens', 'help', 'none'];
const flags = [[], ['--json'], ['--schema', 'a: number'], ['--system', 'x'], ['--verbose']];

await attack(import.meta.url, async (): Promise<Attempts> => {
  const pair = await convertedPair('mistral', 'f16');
  const scratch = await mkdtemp(join(tmpdir(), 'pixtral-attack-'));
  await copyFile(scenePath('a-80x48.png'), join(scratch, 'a.png'));
  process.chdir(scratch);
  const words = ['chat', '--model', pair.folder, '--gpu', 'off', '--threads', '1', '--max-tokens', '2'];
  return {
    async attempt(random) {
      const lines = Array.from({ length: 1 + random(4) }, () => line(random));
      const stdin = Buffer.from(lines.join(oneOf(['\n', '\n', '\r\n', '\r'], random)));
      const argv = [...words, ...oneOf(flags, random), ...oneOf([[], ['a.png'], ['none.png']], random)];
      const env = { PIXTRAL_CACHE_SIZE: '0', PIXTRAL_STATE: join(scratch, 'state') };
      const { exitCode, stdout, stderr } = await cli(argv, { stdin, env, isTerminal: true });
      const counts = exitCode === 0 ? { answered: 1, refused: 0 } : { answered: 0, refused: 1 };
      const isRight = [0, 2, 3, 4, 5].includes(exitCode) && !/"code":"failed"|this is a bug|^ +at /m.test(stderr);
      const isShown = printable(stdout) === stdout && printable(stderr) === stderr && stderr.length < 20_000;
      if (isRight && isShown) return counts;
      const said = JSON.stringify({ exitCode, stdout: stdout.slice(-500), stderr: stderr.slice(-1500) });
      return { ...counts, wrong: `${said}\n${JSON.stringify(stdin.toString().slice(0, 1000))}` };
    },
    async close() {
      process.chdir(tmpdir());
      await pair.remove();
      await rm(scratch, { recursive: true });
    },
  };
});

function line(random: Random): string {
  const value = oneOf(hostileJson, random);
  const text = random(3) === 0 ? (JSON.parse(value) as unknown) : value;
  const plain = (typeof text === 'string' ? text : value).slice(0, 2000); // reading more takes a model its time
  const whole = oneOf(
    [plain, 'what is it?', `/${oneOf(commands, random)} ${oneOf(['a.png', plain, '', 'off'], random)}`],
    random,
  );
  if (random(3) > 0) return whole;
  return Buffer.from(
    changed(Buffer.from(whole), { other: Buffer.from('/image \u001b[2J{1} [IMG]'), random }),
  ).toString();
}
