import type { Dispatcher } from 'undici';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { steadyConnector } from './steady-connector.ts';

/** Connections, and what comes over them. */
export type Agent = Dispatcher;
export type AgentReply = Dispatcher.ResponseData;

export interface AgentOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** To one origin at the same time. */
  connections: number;
  /** A server that is not there, or sends nothing for so long, has failed. */
  connectMilliseconds: number;
  stallMilliseconds: number;
  /** All goes to this socket in place of the address's port. */
  socketPath?: string | undefined;
  /** What is read is of use until more is: for who takes it at once, part by part. */
  isSteady?: boolean | undefined;
}

/**
 * Connections that are kept, through the proxies that the environment names.
 * @throws PixtralError `usage` for what is no address of a proxy
 */
export async function openAgent({
  env,
  connections,
  connectMilliseconds,
  stallMilliseconds,
  socketPath,
  isSteady,
}: AgentOptions): Promise<Agent> {
  const undici = await import('undici');
  const shared = {
    connections,
    headersTimeout: stallMilliseconds,
    bodyTimeout: stallMilliseconds,
  };
  if (socketPath !== undefined) {
    return new undici.Agent({ ...shared, connect: { timeout: connectMilliseconds, socketPath } });
  }
  return new undici.EnvHttpProxyAgent({
    ...shared,
    connect: isSteady ? steadyConnector(undici.buildConnector, connectMilliseconds) : { timeout: connectMilliseconds },
    httpProxy: proxyIn(env, 'http_proxy'),
    httpsProxy: proxyIn(env, 'https_proxy'),
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  });
}

/** As curl reads them: the scheme may be left out. */
function proxyIn(env: AgentOptions['env'], name: 'http_proxy' | 'https_proxy'): string {
  const word = env[name] ?? env[name.toUpperCase()] ?? '';
  const address = word === '' || word.includes('://') ? word : `http://${word}`;
  if (word === '' || (/^https?:/i.test(address) && URL.canParse(address))) return address;
  throw new PixtralError(
    'usage',
    `${name}: is ${JSON.stringify(address)}, expected an address such as http://proxy:3128`,
  );
}

/** Why a request has failed. What no server may answer, such as a status of 101 that nobody asked for, undici asserts. */
export function networkReason(thrown: unknown): string {
  const code = errnoOf(thrown) ?? '';
  return code === 'ERR_ASSERTION' ? 'its answer is none that HTTP allows here' : reasonOf(thrown) || code;
}
