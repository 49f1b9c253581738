import type { RemoteFile } from '../remote.ts';

/** Repositories of the Hub that hold what a torrent holds, by infohash. */
export const publications: Readonly<Record<string, string>> = {
  '7278e625de2b1da598b23954c13933047126238a': 'mistralai/Pixtral-12B-2409', // pixtral-12b-240910
};

/** The sum that a repository publishes of a torrent's file: of weights, since small files are amended there. */
export function publishedSum(
  { path, byteLength }: { path: string; byteLength: number },
  repository: readonly RemoteFile[],
): string | undefined {
  if (!path.endsWith('.safetensors')) return undefined;
  return repository.find((file) => file.path === path && file.byteLength === byteLength)?.sha256;
}
