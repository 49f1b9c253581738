/** Addresses of 4 or 16 bytes, each with a port of two. */
export function compactPeers(packed: unknown, addressBytes: 4 | 16): string[] {
  if (!(packed instanceof Uint8Array)) return [];
  const bytes = Buffer.from(packed);
  const size = addressBytes + 2;
  return Array.from({ length: Math.floor(bytes.byteLength / size) }, (_, index) => {
    const at = bytes.subarray(index * size, (index + 1) * size);
    const words = Array.from({ length: 8 }, (_, word) =>
      addressBytes === 16 ? at.readUInt16BE(word * 2).toString(16) : '',
    );
    const address = addressBytes === 4 ? [...at.subarray(0, 4)].join('.') : words.join(':');
    return peerName(address, at.readUInt16BE(addressBytes));
  });
}

export function peerName(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** As `peerName` makes it; a name of a host serves too. */
export function parsePeerName(name: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(name) ?? [];
  const host = bracketed ?? plain;
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  return host !== undefined && isPort ? { host, port: Number(port) } : undefined;
}
