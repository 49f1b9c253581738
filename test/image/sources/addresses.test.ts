import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPublicAddress } from '../../../src/image/sources/addresses.ts';

const refused = {
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '[::1]'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  'link-local': ['169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
  'unique local': ['fc00::1', 'fd12:3456::1'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  'unspecified and broadcast': ['0.0.0.0', '::', '255.255.255.255'],
  'IPv4 inside IPv6': [
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.1.2.3',
    '64:ff9b::192.168.0.1',
    '2002:7f00:1::',
    '::127.0.0.1',
    '::ffff:0:127.0.0.1',
  ],
  documentation: ['192.0.2.1', '198.51.100.7', '203.0.113.9', '2001:db8::1'],
  'no address': ['', 'localhost', '1.2.3'],
};
for (const [kind, addresses] of Object.entries(refused)) {
  test(`${kind} is not public`, () => {
    for (const address of addresses) assert.equal(isPublicAddress(address), false, address);
  });
}

test('addresses beside those networks are public', () => {
  const around = ['9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0'];
  const public6 = ['2606:4700:4700::1111', '2a00:1450:4001:81b::200e', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'];
  for (const address of ['1.1.1.1', '8.8.8.8', '193.0.0.1', ...around, ...public6]) {
    assert.equal(isPublicAddress(address), true, address);
  }
});
