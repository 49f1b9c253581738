import type { Dispatcher } from 'undici';

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
}

/** Connections that are kept, through the proxies that the environment names. */
export async function openAgent({
  env,
  connections,
  connectMilliseconds,
  stallMilliseconds,
  socketPath,
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
    connect: { timeout: connectMilliseconds },
    httpProxy: env['http_proxy'] ?? env['HTTP_PROXY'] ?? '',
    httpsProxy: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '',
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  });
}
