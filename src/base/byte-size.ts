const factors: Record<string, number> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** Bytes as people write them: `500MB`, `2 GiB`, `1e9`; undefined for anything else. */
export function parseByteSize(text: string): number | undefined {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?(?:e\d+)?)\s*(?:([kmgt]i?)?b?)$/i.exec(text.trim()) ?? [];
  const factor = factors[unit.toLowerCase()];
  return number === '' || factor === undefined ? undefined : Number(number) * factor;
}

/** Bytes as people read them. */
export function byteSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
