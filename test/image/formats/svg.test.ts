import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { imagePath } from '../../helpers/corpus.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

const draw = async (content: string, prolog = ''): Promise<Uint8Array> =>
  rgbOf(
    await decodeFile(
      Buffer.from(
        `${prolog}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="8" height="8">${content}</svg>`,
      ),
    ),
  );
const isBlank = (rgb: Uint8Array): boolean => rgb.every((value) => value === 255);

const file = new URL(`file://${imagePath('grey.png')}`).href;
const loads: Record<string, string> = {
  'a file': `<image width="8" height="8" href="${file}"/>`,
  'a file by its path': `<image width="8" height="8" xlink:href="${imagePath('grey.png')}"/>`,
  'an element of another file': `<use href="file://${imagePath('shapes.svg')}#x"/>`,
  'a file by XInclude': `<text y="8" font-size="8"><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${file}" parse="text"/></text>`,
};
for (const [what, content] of Object.entries(loads)) {
  test(`an SVG cannot show ${what}`, async () => {
    assert.ok(isBlank(await draw(content)));
  });
}

test('an SVG shows a picture that it carries', async () => {
  const carried =
    'data:image/svg+xml,%3Csvg xmlns="http://www.w3.org/2000/svg"%3E%3Crect width="8" height="8"/%3E%3C/svg%3E';
  assert.ok(!isBlank(await draw(`<image width="8" height="8" href='${carried}'/>`)));
});

test('an SVG asks no server, for pictures, styles or entities', async (t) => {
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
  await draw(`<image width="8" height="8" href="${address}"/><style>@import url(${address});</style>`);
  await draw('<rect width="8" height="8"/>', `<!DOCTYPE svg SYSTEM "${address}">`);
  await draw('<text>&x;</text>', `<!DOCTYPE svg [<!ENTITY x SYSTEM "${address}">]>`).catch(() => {});
  assert.equal(requests, 0);
});

test('a script in an SVG draws nothing', async () => {
  const script = "document.documentElement.appendChild(document.createElementNS('http://www.w3.org/2000/svg','rect'))";
  assert.ok(isBlank(await draw(`<script>${script}</script><rect width="0" height="8" onload="${script}"/>`)));
});

test('entities that multiply are refused', async () => {
  const entities = Array.from({ length: 12 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('');
  await assert.rejects(draw('<text>&e12;</text>', `<!DOCTYPE svg [<!ENTITY e0 "lol">${entities}]>`), { code: 'input' });
});
