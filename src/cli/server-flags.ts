import { Option } from 'commander';
import { PixtralError } from '../base/errors.ts';
import { noteLine } from '../output/note.ts';
import type { Servers } from '../remote/servers.ts';
import type { EngineFlags } from './engine-flags.ts';
import type { Io } from './io.ts';
import { collect, defaults, numberIn, numberOrAuto } from './options.ts';
import { packageVersion } from './package-version.ts';

/** As commander gives `serverOptions` and `manyServersOptions`. */
export interface ServerFlags {
  server?: string[];
  apiKey?: string;
  serverTimeout?: number;
  concurrency?: number | 'auto';
  serverPatience?: number;
}

/** Where questions are answered, if not on this machine. */
export const serverOptions = (): Option[] => [
  new Option(
    '--server <url>',
    'ask vLLM, SGLang, llama-server, pixtral serve or another of their kind; auto: pixtral serve, where the user runs it with this model; off: load the model',
  )
    .env('PIXTRAL_SERVER')
    .argParser(collect),
  new Option('--api-key <file>', "holds the servers' key; without it PIXTRAL_API_KEY"),
  new Option('--server-timeout <seconds>', 'of a server that sends nothing')
    .argParser(numberIn({ min: 1, max: 86_400 }))
    .default(defaults.serverSeconds),
];

/** And for many questions. */
export const manyServersOptions = (): Option[] => [
  ...serverOptions(),
  new Option('--concurrency <n>', 'questions at once at each server; auto: as many as make it faster')
    .argParser(numberOrAuto({ min: 1, max: 4096, integer: true }))
    .default(defaults.concurrency),
  new Option('--server-patience <seconds>', 'all servers may be away for so long')
    .argParser(numberIn({ min: 0, max: 604_800 }))
    .default(defaults.patienceSeconds),
];

/** Addresses of servers; undefined where this machine is asked. */
export function serverWords({ server }: ServerFlags, { env }: Pick<Io, 'env'>): string[] | undefined {
  const words = namedServers({ server }, env);
  return words.length === 0 || ['off', 'auto'].includes(words.at(-1)!) ? undefined : [...new Set(words)];
}

/** Whether a server of this user may answer, where one runs. */
export function isAuto({ server }: ServerFlags, { env }: Pick<Io, 'env'>): boolean {
  const last = namedServers({ server }, env).at(-1);
  return last === undefined || last === 'auto';
}

function namedServers({ server }: { server: string[] | undefined }, env: Io['env']): string[] {
  return (server ?? [env['PIXTRAL_SERVER'] ?? '']).flatMap((word) => word.split(/[\s,]+/)).filter(Boolean);
}

type AnyFlags = ServerFlags & Pick<EngineFlags, 'model' | 'json'>;

/** @throws PixtralError `usage` for options that only a model on this machine could heed, and whatever openServers does */
export async function openFlagServers(
  words: readonly string[],
  { flags, io, note }: { flags: AnyFlags; io: Io; note: (lines: string) => void },
): Promise<Servers> {
  checkLocalFlags(flags);
  const { openServers } = await import('../remote/open-servers.ts');
  const { isOpenToOthers, serverAddress } = await import('../remote/address.ts');
  const addresses = words.map(serverAddress);
  const say = (line: string): void => note(noteLine(line, { json: flags.json === true }));
  const open = addresses.find(isOpenToOthers);
  if (open && hasKey(flags, io)) say(`${open.name}: the key goes there unencrypted, as the address begins with http:`);
  return openServers({
    addresses,
    // A name in the environment is one on this machine as likely.
    wanted: { name: flags.model, isCertain: flags.model !== undefined && flags.model !== io.env['PIXTRAL_MODEL'] },
    keyFile: flags.apiKey,
    env: io.env,
    concurrency: flags.concurrency ?? 1,
    patienceMilliseconds: (flags.serverPatience ?? 0) * 1000,
    busyPatienceMilliseconds: (flags.serverPatience ?? defaults.patienceSeconds) * 1000,
    stallMilliseconds: (flags.serverTimeout ?? defaults.serverSeconds) * 1000,
    userAgent: `pixtral/${packageVersion()}`,
    onNotice: say,
    signal: io.signal,
  });
}

function hasKey({ apiKey }: ServerFlags, { env }: Io): boolean {
  return apiKey !== undefined || (env['PIXTRAL_API_KEY'] ?? '') !== '';
}

/** What decides how this machine computes, and its value where nothing was said. */
const localFlags: readonly { name: string; flag: string; usual: unknown }[] = [
  { name: 'mmproj', flag: '--mmproj', usual: undefined },
  { name: 'gpu', flag: '--gpu', usual: defaults.gpu },
  { name: 'gpuLayers', flag: '--gpu-layers', usual: defaults.gpuLayers },
  { name: 'threads', flag: '--threads', usual: defaults.threads },
  { name: 'context', flag: '--context', usual: defaults.contextSize },
  { name: 'cacheType', flag: '--cache-type', usual: defaults.cacheType },
  { name: 'batchSize', flag: '--batch-size', usual: defaults.batchSize },
  { name: 'parallel', flag: '--parallel', usual: defaults.parallel },
  { name: 'reproducible', flag: '--reproducible', usual: undefined },
  { name: 'speculate', flag: '--speculate', usual: undefined },
];

function checkLocalFlags(flags: object): void {
  const given = flags as Readonly<Record<string, unknown>>;
  const local = localFlags.find(({ name, usual }) => given[name] !== undefined && given[name] !== usual);
  if (!local) return;
  throw new PixtralError('usage', `${local.flag} and --server: the server computes, expected one of the two`, {
    hint:
      local.name === 'parallel'
        ? '--concurrency says how many questions a server is given at once'
        : 'such options belong to the command that starts the server',
  });
}
