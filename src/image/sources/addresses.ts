import { BlockList, isIPv4 } from 'node:net';

/**
 * Networks that are not the public internet: a server that redirects there, or a name that resolves there, reaches
 * for routers, cloud metadata and services of this machine. Source: IANA's special-purpose address registries.
 */
const special4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, cloud metadata
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
];
/** IPv6 hands out 2000::/3 only: all else is special, and so are these in it. */
const special6 = [
  '2001::/23', // protocol assignments, Teredo
  '2001:db8::/32', // documentation
  '3fff::/20', // documentation
];

/** Whether an address, as DNS or a URL gives it, is of the public internet. */
export function isPublicAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$|%.*$/g, '');
  if (isIPv4(plain)) return !isIn(special4, plain);
  const inside = embedded4(plain);
  if (inside !== undefined) return !isIn(special4, inside);
  return isIn(['2000::/3'], plain) && !isIn(special6, plain);
}

function isIn(networks: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [start = '', prefix] = network.split('/');
    list.addSubnet(start, Number(prefix), isIPv4(start) ? 'ipv4' : 'ipv6');
  }
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

const mapped = '::ffff:0:0/96';
const nat64 = '64:ff9b::/96';
const sixToFour = '2002::/16';

/** The IPv4 address inside an IPv6 one that gateways or the system unwrap. */
function embedded4(address: string): string | undefined {
  const groups = groupsOf(address);
  if (!groups) return undefined;
  if (isIn([mapped, nat64], address)) return dotted(groups[6]!, groups[7]!);
  return isIn([sixToFour], address) ? dotted(groups[1]!, groups[2]!) : undefined;
}

/** The eight groups of an IPv6 address, by way of the URL parser that writes it in one form. */
function groupsOf(address: string): number[] | undefined {
  if (!URL.canParse(`http://[${address}]/`)) return undefined;
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const numbers = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [first, last] = [numbers(head), numbers(tail ?? '')];
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
