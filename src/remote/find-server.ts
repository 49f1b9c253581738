import { PixtralError } from '../base/errors.ts';
import { within } from '../base/within.ts';
import type { GridConfig } from '../image/pixels/grid.ts';
import type { ServerAddress } from './address.ts';
import type { Connection } from './connection.ts';
import { ServerFault } from './fault.ts';
import { type KnownGrid, gridOf } from './grids.ts';
import { asCount, asList, asObject, asText, parseReply } from './json.ts';
import { refuseStatus } from './reply-error.ts';
import { type KindName, serverKinds } from './server-kinds.ts';

/** A server as it describes itself. */
export interface FoundServer {
  address: ServerAddress;
  kind: KindName;
  version: string | undefined;
  model: string;
  grid: KnownGrid;
  /** Tokens of prompt and answer; undefined where it does not say. */
  contextSize: number | undefined;
  /** What its model's chat template passes over, where it says so: nobody else would. */
  untold: readonly Untold[];
}

/** Parts of a question that a chat template may not have. */
export type Untold = 'tools' | 'tool calls' | 'reasoning effort';

/** Which of its models is asked. */
export interface WantedModel {
  name: string | undefined;
  /** False where it may be meant for this machine: what a server does not have is then passed over. */
  isCertain: boolean;
}

interface ListedModel {
  id: string;
  ownedBy: string | undefined;
  contextSize: number | undefined;
  /** Where it tells how it divides pictures. */
  image: GridConfig | undefined;
}

/** It stands in every answer. */
const longestId = 1000;

/** Time for a server that is at work to say what it is. */
const askMilliseconds = 30_000;

/**
 * Asks a server what it is and what models it has.
 * @throws ServerFault when it may answer later; PixtralError `usage` for the wrong key or no choice of model, `model` for
 * a model that it does not have or that sees nothing, `machine` for what is no such server
 */
export async function findServer(
  connection: Connection,
  { wanted, signal }: { wanted: WantedModel; signal: AbortSignal },
): Promise<FoundServer> {
  const until = within(signal, askMilliseconds);
  try {
    return await described(connection, { wanted, signal: until });
  } catch (thrown) {
    if (signal.aborted || !until.aborted) throw thrown;
    throw new ServerFault('unreachable', `has not said in ${askMilliseconds / 1000} s what it is`, { cause: thrown });
  }
}

async function described(
  connection: Connection,
  { wanted, signal }: { wanted: WantedModel; signal: AbortSignal },
): Promise<FoundServer> {
  const { address } = connection;
  const models = await listModels(connection, { wanted, signal });
  const kind = kindOf(models, address);
  const about = await details[kind]?.(connection, signal);
  if (about?.seesPictures === false) {
    throw new PixtralError('model', `${address.name}: its model takes no pictures, expected one with a vision tower`, {
      hint: 'start llama-server with --mmproj',
    });
  }
  const model = chooseModel(models, { wanted, kind, name: address.name });
  const listed = models?.find(({ id }) => id === model);
  const grid = listed?.image ? { image: listed.image, isKnown: true } : gridOf(model);
  return {
    address,
    kind,
    version: about?.version,
    model,
    grid,
    contextSize: listed?.contextSize ?? about?.contextSize,
    untold: about?.untold ?? [],
  };
}

/** undefined where it keeps no list. */
async function listModels(
  connection: Connection,
  { wanted, signal }: { wanted: WantedModel; signal: AbortSignal },
): Promise<ListedModel[] | undefined> {
  const { name } = connection.address;
  const reply = await connection.get('v1/models', signal);
  if (reply.status === 404 && wanted.name !== undefined && wanted.isCertain) return undefined;
  if (reply.status !== 200) return refuseStatus(reply, { name, model: wanted.name ?? '' });
  const listed = asList(asObject(parsed(reply.text))?.['data']);
  if (!listed) {
    throw new PixtralError('machine', `${name}: its /v1/models is no list of models, expected an OpenAI-style server`, {
      hint: 'check the address and its port',
    });
  }
  return listed.flatMap((one) => {
    const { id, owned_by: ownedBy, max_model_len: length, meta, pixtral: own } = asObject(one) ?? {};
    if (typeof id !== 'string' || id.length > longestId) return [];
    const contextSize = asCount(length) ?? asCount(asObject(meta)?.['n_ctx']);
    return [{ id, ownedBy: asText(ownedBy), contextSize, image: gridIn(own) }];
  });
}

function gridIn(own: unknown): GridConfig | undefined {
  const image = asObject(asObject(own)?.['image']);
  const patchSize = asSide(image?.['patchSize']);
  const maxImageSize = asSide(image?.['maxImageSize']);
  const spatialMergeSize = asSide(image?.['spatialMergeSize']);
  if (patchSize === undefined || maxImageSize === undefined || spatialMergeSize === undefined) return undefined;
  return patchSize * spatialMergeSize <= maxImageSize ? { patchSize, maxImageSize, spatialMergeSize } : undefined;
}

/** Pixels: a server cannot make us draw what fills the memory. */
function asSide(value: unknown): number | undefined {
  const side = asCount(value);
  return side !== undefined && side >= 1 && side <= 4096 ? side : undefined;
}

const owners: Readonly<Record<string, KindName>> = {
  vllm: 'vllm',
  sglang: 'sglang',
  llamacpp: 'llama-server',
  mistralai: 'mistral',
  pixtral: 'pixtral',
};

function kindOf(models: readonly ListedModel[] | undefined, { root }: ServerAddress): KindName {
  if (root.hostname === 'api.mistral.ai') return 'mistral';
  const owner = models?.map(({ ownedBy }) => ownedBy).find((one) => one !== undefined && Object.hasOwn(owners, one));
  return owner === undefined ? 'openai' : owners[owner]!;
}

interface About {
  version?: string | undefined;
  seesPictures?: boolean | undefined;
  contextSize?: number | undefined;
  untold?: readonly Untold[];
}

/** What only some can be asked. */
const details: Partial<Record<KindName, (connection: Connection, signal: AbortSignal) => Promise<About>>> = {
  vllm: async (connection, signal) => {
    const { version } = (await optional(connection, 'version', signal)) ?? {};
    return { version: asText(version) };
  },
  sglang: async (connection, signal) => {
    const { version } = (await optional(connection, 'get_server_info', signal)) ?? {};
    return { version: asText(version) };
  },
  'llama-server': async (connection, signal) => {
    const {
      build_info: build,
      modalities,
      default_generation_settings: settings,
      chat_template_caps: caps,
    } = (await optional(connection, 'props', signal)) ?? {};
    const vision = asObject(modalities)?.['vision'];
    return {
      version: asText(build),
      seesPictures: typeof vision === 'boolean' ? vision : undefined,
      contextSize: asCount(asObject(settings)?.['n_ctx']),
      untold: untoldBy(asObject(caps)),
    };
  },
};

/** llama-server's words for what a chat template has. */
const capabilities: Readonly<Record<Untold, string>> = {
  tools: 'supports_tools',
  'tool calls': 'supports_tool_calls',
  'reasoning effort': 'supports_reasoning_effort',
};

function untoldBy(caps: Record<string, unknown> | undefined): Untold[] {
  return (Object.keys(capabilities) as Untold[]).filter((part) => caps?.[capabilities[part]] === false);
}

/** A route that may be closed. */
async function optional(
  connection: Connection,
  route: string,
  signal: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  try {
    const { status, text } = await connection.get(route, signal);
    return status === 200 ? asObject(parsed(text)) : undefined;
  } catch (thrown) {
    if (thrown instanceof ServerFault) return undefined;
    throw thrown;
  }
}

function parsed(text: string): unknown {
  try {
    return parseReply(text);
  } catch {
    return undefined;
  }
}

/** So many names are shown. */
const shownModels = 8;

function chooseModel(
  models: readonly ListedModel[] | undefined,
  { wanted, kind, name }: { wanted: WantedModel; kind: KindName; name: string },
): string {
  if (!models) return wanted.name!;
  const ids = models.map(({ id }) => id);
  if (wanted.name !== undefined && ids.includes(wanted.name)) return wanted.name;
  const some = ids.slice(0, shownModels).map((id) => JSON.stringify(id));
  const list = `${some.join(', ')}${ids.length > shownModels ? ` and ${ids.length - shownModels} more` : ''}`;
  if (wanted.name !== undefined && wanted.isCertain) {
    // Who speaks for many others may have names that it does not list.
    if (kind === 'openai' || kind === 'mistral') return wanted.name;
    throw new PixtralError('model', `${name}: has no model ${JSON.stringify(wanted.name)}, expected one of ${list}`, {
      hint: 'with --server, --model is the name there',
    });
  }
  if (ids.length === 1) return ids[0]!;
  if (ids.length === 0) throw new PixtralError('model', `${name}: has no model loaded (${serverKinds[kind].title})`);
  throw new PixtralError('usage', `${name}: has ${ids.length} models, expected --model to name one: ${list}`);
}
