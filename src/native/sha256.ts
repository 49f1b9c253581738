/** A sum whose state can be kept and gone on with in another process; Node's own cannot. */
export interface ResumableSha256 {
  /** The bytes must not change before it resolves. */
  update(bytes: Uint8Array): Promise<void>;
  /** The state after what was given so far. */
  save(): string;
  /** In hex. Ends it. */
  digest(): string;
}

/**
 * SHA-256 by OpenSSL, which is part of Node and takes the processor's own instructions, on a worker thread; where Node
 * does not let it be called, in WebAssembly, at a third of the speed.
 * @param saved a state to go on from
 * @returns undefined for a state that cannot be gone on with here
 */
export async function resumableSha256(saved?: string): Promise<ResumableSha256 | undefined> {
  const [engine, state] = saved?.split(':') ?? [];
  const openssl = engine === 'wasm' ? undefined : await opensslSha256(state);
  if (openssl || engine === 'openssl') return openssl;
  return wasmSha256(state);
}

/** `SHA256_CTX` (openssl/sha.h): eight words, two of length, a block of 64 bytes, two numbers. */
const contextBytes = 112;

interface OpenSsl {
  init(context: Buffer): number;
  update: { async(context: Buffer, bytes: Uint8Array, length: number, done: (error: Error | null) => void): void };
  final(digest: Buffer, context: Buffer): number;
}

async function opensslSha256(state: string | undefined): Promise<ResumableSha256 | undefined> {
  const openssl = await openOpenSsl();
  const context = state === undefined ? Buffer.alloc(contextBytes) : Buffer.from(state, 'base64');
  if (!openssl || context.byteLength !== contextBytes) return undefined;
  if (state === undefined) openssl.init(context);
  return {
    update: (bytes) =>
      new Promise((resolve, reject) => {
        const done = (error: Error | null): void => (error ? reject(error) : resolve());
        openssl.update.async(context, bytes, bytes.byteLength, done);
      }),
    save: () => `openssl:${context.toString('base64')}`,
    digest: () => {
      const digest = Buffer.alloc(32);
      openssl.final(digest, context);
      return digest.toString('hex');
    },
  };
}

async function openOpenSsl(): Promise<OpenSsl | undefined> {
  const { koffi } = await import('./koffi.ts');
  try {
    const node = koffi.load(null);
    return {
      init: node.func('SHA256_Init', 'int', ['void *']),
      update: node.func('SHA256_Update', 'int', ['void *', 'void *', 'size_t']),
      final: node.func('SHA256_Final', 'int', ['void *', 'void *']),
    };
  } catch {
    return undefined; // a Node whose OpenSSL is hidden
  }
}

async function wasmSha256(state: string | undefined): Promise<ResumableSha256 | undefined> {
  const { createSHA256 } = await import('hash-wasm');
  const hash = await createSHA256();
  try {
    if (state === undefined) hash.init();
    else hash.load(Buffer.from(state, 'base64'));
  } catch {
    return undefined; // another version's
  }
  return {
    update: async (bytes) => void hash.update(bytes),
    save: () => `wasm:${Buffer.from(hash.save()).toString('base64')}`,
    digest: () => hash.digest('hex'),
  };
}
