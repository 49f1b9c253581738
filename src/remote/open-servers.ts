import { PixtralError } from '../base/errors.ts';
import type { ServerAddress } from './address.ts';
import { apiKey } from './api-key.ts';
import { type Connection, openConnection } from './connection.ts';
import { ServerFault, withoutName } from './fault.ts';
import { type FoundServer, type WantedModel, findServer } from './find-server.ts';
import { Lanes, mostConcurrency } from './lanes.ts';
import { Servers } from './servers.ts';

export interface OpenServersOptions {
  addresses: readonly ServerAddress[];
  wanted: WantedModel;
  /** A file that holds the key. */
  keyFile: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** Requests at once at each. */
  concurrency: number | 'auto';
  /** All of them may be away for so long. */
  patienceMilliseconds: number;
  busyPatienceMilliseconds: number;
  /** One that sends nothing for so long has lost the request. */
  stallMilliseconds: number;
  userAgent: string;
  /** Lines that the user should read. */
  onNotice: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Connects to servers of one model. Of several, some may be away: they are looked for while others work.
 * @throws PixtralError `usage` for a wrong key or servers that differ, `model` for a model that none has, `machine` where
 * nobody answers
 */
export async function openServers(options: OpenServersOptions): Promise<Servers> {
  const { addresses, concurrency, patienceMilliseconds, busyPatienceMilliseconds, onNotice, signal } = options;
  const connections = await Promise.all(addresses.map((address) => connect(address, options)));
  try {
    const found = await findAll(connections, options);
    const first = found.find(({ server }) => server !== undefined)!.server!;
    const find = async (connection: Connection, until: AbortSignal): Promise<FoundServer> => {
      const wanted = { name: first.model, isCertain: true };
      return sameModel(first, await findServer(connection, { wanted, signal: until }));
    };
    const lanes = new Lanes(found, { find, concurrency, patienceMilliseconds, busyPatienceMilliseconds, onNotice });
    return new Servers({ lanes, found: found.flatMap(({ server }) => server ?? []), concurrency });
  } catch (thrown) {
    await Promise.all(connections.map((connection) => connection.close()));
    signal.throwIfAborted();
    throw thrown;
  }
}

/** A connection rests for a turn of the event loop behind an answer: of one each, half of many places would be empty then. */
const connectionsForPlace = 2;

async function connect(address: ServerAddress, options: OpenServersOptions): Promise<Connection> {
  const { keyFile, env, concurrency, stallMilliseconds, userAgent } = options;
  const key = await apiKey(address, { file: keyFile, env });
  const places = concurrency === 'auto' ? mostConcurrency : concurrency;
  return openConnection(address, { env, key, connections: connectionsForPlace * places, stallMilliseconds, userAgent });
}

interface Found {
  connection: Connection;
  server: FoundServer | undefined;
}

async function findAll(
  connections: readonly Connection[],
  { wanted, onNotice, signal }: OpenServersOptions,
): Promise<Found[]> {
  const faults: ServerFault[] = [];
  const found = await Promise.all(
    connections.map(async (connection): Promise<Found> => {
      try {
        return { connection, server: await findServer(connection, { wanted, signal }) };
      } catch (thrown) {
        if (!(thrown instanceof ServerFault)) throw thrown;
        faults.push(thrown);
        return { connection, server: undefined };
      }
    }),
  );
  const first = found.find(({ server }) => server !== undefined)?.server;
  if (!first) throw nobody(connections, faults[0]!);
  for (const { connection, server } of found) {
    if (server) sameModel(first, server);
    else onNotice(`${connection.address.name}: nobody answers there yet; it is looked for while others work`);
  }
  return found;
}

function sameModel(first: FoundServer, server: FoundServer): FoundServer {
  if (server.model === first.model) return server;
  throw new PixtralError(
    'usage',
    `${server.address.name} has ${JSON.stringify(server.model)}, ${first.address.name} ${JSON.stringify(first.model)}: expected servers of one model`,
    { hint: 'run it once for each model' },
  );
}

function nobody(connections: readonly Connection[], fault: ServerFault): PixtralError {
  const { name } = connections[0]!.address;
  const others = connections.length > 1 ? ` and ${connections.length - 1} more` : '';
  const said = withoutName(fault.message, name);
  return new PixtralError('machine', `${name}${others}: no server answers: ${said}`, {
    hint: 'is it running, and is the address right? A server that loads its model answers when that is done',
    cause: fault,
  });
}
