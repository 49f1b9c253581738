import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import sharp from 'sharp';
import { imagePath } from '../../helpers/corpus.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

const svg = (attributes: string, content: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${attributes}>${content}</svg>`;
const draw = async (content: string, prolog = ''): Promise<Uint8Array> =>
  rgbOf(await decodeFile(Buffer.from(prolog + svg('width="8" height="8"', content))));
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

test('a drawing that comes out white is said to be blank, an empty one and one with something on it are not', async () => {
  const warningsOf = async (content: string) =>
    (await decodeFile(Buffer.from(svg('width="8" height="8"', content)))).warnings;
  assert.deepEqual(await warningsOf('<path d="M0 0"/><rect width="4" height="4" fill="none"/>'), [
    'is blank, although there are 2 elements to be drawn in it',
  ]);
  assert.deepEqual(await warningsOf('<text x="900" y="900">x</text>'), [
    'is blank, although there is one element to be drawn in it',
  ]);
  for (const content of ['', '<rect width="4" height="4"/>', '<g/>', '<line x2="8" y2="8" stroke="#fefefe"/>'])
    assert.equal(await warningsOf(content), undefined, content);
});

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

const warned: Record<string, { content: string; says: string }> = {
  'a picture elsewhere': {
    content: '<image width="8" height="8" href="https://example.org/x.png"/>',
    says: 'what its <image> elements show lies outside the file and is not loaded',
  },
  'an element of another file': {
    content: '<use xlink:href="other.svg#x"/>',
    says: 'what its <use> elements show lies outside the file and is not loaded',
  },
  'a style sheet elsewhere': {
    content: '<style>@import url(https://example.org/x.css); rect { fill: red }</style>',
    says: 'its @import rules are not used',
  },
  'text on a path': {
    content: '<text><textPath href="#p">x</textPath></text>',
    says: 'its <textPath> elements are not drawn',
  },
  'letters that are turned': {
    content: '<text rotate="0 10" x="1 2">xy</text>',
    says: 'letters of its text that are turned stand upright',
  },
  'text that is stretched': {
    content: '<text textLength="8">x</text>',
    says: 'its text is not stretched to the length that is stated',
  },
  'words that are set apart': {
    content: '<text style="word-spacing:2px">x y</text>',
    says: "its style's word-spacing is not heeded",
  },
  'words in capitals': {
    content: '<text style="text-transform:uppercase">x</text>',
    says: "its style's text-transform is not heeded",
  },
  'dashes of a share of its length': {
    content: '<path pathLength="100" stroke-dasharray="30 10" stroke="red" d="M0 0h8"/>',
    says: 'its dashes are not measured by the pathLength that is stated',
  },
  'a light on it': {
    content: '<filter id="f"><feDiffuseLighting><feDistantLight/></feDiffuseLighting></filter>',
    says: 'its lighting is paler than in browsers',
  },
  'colours of CSS Color 4': {
    content: '<rect width="1" height="1" fill="oklch(0.7 0.15 150)" style="stroke:color(display-p3 1 0 0)"/>',
    says: 'its colours oklch(0.7 0.15 150) color(display-p3 1 0 0) are not known, and black or another colour in their place',
  },
  'an origin of its turns': {
    content: '<rect width="1" height="1" transform="rotate(9)" style="transform-origin:4px 4px"/>',
    says: "its style's transform-origin is not heeded",
  },
  'a mask in its style': {
    content: '<rect width="1" height="1" style="mask-image:linear-gradient(#000,#fff)"/>',
    says: "its style's mask-image is not heeded",
  },
  'a picture of a kind that nobody knows': {
    content: '<image width="8" height="8" href="data:image/x-unknown;base64,AAAA"/>',
    says: 'it carries a picture that cannot be decoded and is not drawn',
  },
  'a table in a label': {
    content:
      '<foreignObject width="8" height="8"><table xmlns="http://www.w3.org/1999/xhtml"><tr><td>x</td></tr></table></foreignObject>',
    says: 'the <table> elements in its <foreignObject> elements are not drawn as they are',
  },
};
for (const [what, { content, says }] of Object.entries(warned)) {
  test(`an SVG with ${what} is drawn without it, and that is said`, async () => {
    const { warnings } = await decodeFile(Buffer.from(svg('width="8" height="8"', content)));
    assert.deepEqual(warnings, [says]);
  });
}

test('what a drawing carries itself needs no warning', async () => {
  const content =
    '<defs><rect id="r" width="4" height="4"/></defs><use href="#r"/><image href="data:image/png;base64,"/>';
  assert.equal((await decodeFile(Buffer.from(svg('width="8" height="8"', content)))).warnings, undefined);
});

test('what has another value beside an unknown colour, or an origin without a turn, needs no warning either', async () => {
  const content =
    '<rect width="4" height="4" fill="#c33" style="fill:color(display-p3 0.8 0.2 0.2);transform-origin:center"/>';
  const { warnings, ...pixels } = await decodeFile(Buffer.from(svg('width="8" height="8"', content)));
  assert.equal(warnings, undefined);
  assert.deepEqual([...rgbOf(pixels).subarray(0, 3)], [0xcc, 0x33, 0x33]);
});

test('letters with places of their own stand there, as spans with one place each do', async () => {
  const same = async (one: string, other: string): Promise<void> => {
    const [first, second] = await Promise.all([one, other].map((text) => draw(`<g font-size="4">${text}</g>`)));
    assert.deepEqual(first, second);
    assert.ok(first!.some((value) => value < 128));
  };
  const at = (places: string, letter: string): string => `<tspan ${places}>${letter}</tspan>`;
  await same(
    '<text x="0 3 6" y="4">abc</text>',
    `<text y="4">${at('x="0"', 'a')}${at('x="3"', 'b')}${at('x="6"', 'c')}</text>`,
  );
  await same(
    '<text x="0, 5" y="4 7">a&amp;bc</text>',
    `<text>${at('x="0" y="4"', 'a')}${at('x="5" y="7"', '&amp;bc')}</text>`,
  );
  await same(
    '<text y="4"><tspan dx="0 2">ab</tspan></text>',
    `<text y="4"><tspan>${at('dx="0"', 'a')}${at('dx="2"', 'b')}</tspan></text>`,
  );
});

test('drawings that are opened at the same time do not close the readers to each other', async () => {
  const text = svg('width="8" height="8"', '<text x="0 3 6" y="4">abc</text>'); // is opened twice
  const drawMany = async (): Promise<void> => {
    for (let at = 0; at < 100; at++) await decodeFile(Buffer.from(text));
  };
  await Promise.all([drawMany(), drawMany(), drawMany(), drawMany()]);
});

test('a WebP that a drawing carries is drawn', async () => {
  const webp = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#3366cc' } })
    .webp({ lossless: true })
    .toBuffer();
  const rgb = await draw(`<image width="8" height="8" href="data:image/webp;base64,${webp.toString('base64')}"/>`);
  assert.deepEqual([...rgb.subarray(rgb.length >> 1, (rgb.length >> 1) + 3)], [0x33, 0x66, 0xcc]);
});

test('rules in rules are heeded', async () => {
  const style = '<style>.g { fill: #111; &amp; .h { fill: #06c } .k { fill: #0c6 } &amp;.m { fill: #c06 } }</style>';
  const colour = async (content: string): Promise<number[]> => [...(await draw(style + content)).subarray(0, 3)];
  const rect = (name: string): string => `<rect class="${name}" width="8" height="8"/>`;
  assert.deepEqual(await colour(`<g class="g">${rect('h')}</g>`), [0, 0x66, 0xcc]);
  assert.deepEqual(await colour(`<g class="g">${rect('k')}</g>`), [0, 0xcc, 0x66]);
  assert.deepEqual(await colour(rect('g m')), [0xcc, 0, 0x66]);
  assert.deepEqual(await colour(rect('h')), [0, 0, 0]);
});

test('a drawing of any size is drawn to the longest side that the model sees', async () => {
  for (const size of [
    'width="0.01" height="0.005"',
    'width="900000" height="450000"',
    'width="3m" viewBox="0 0 2 1"',
  ]) {
    const { width, height } = await decodeFile(Buffer.from(svg(size, '')));
    assert.deepEqual([width, height], [1024, 512]);
  }
});

test('declarations and instructions stay what they are in a drawing that is written otherwise for the renderer', async () => {
  const prolog =
    '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n<?xml-stylesheet href="a.css"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"\n  "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n';
  const rgb = await draw('<?a b?><g><?c?><rect style="fill:var(--x, #06c)" width="8" height="8"/></g>', prolog);
  assert.deepEqual([...rgb.subarray(0, 3)], [0, 0x66, 0xcc]);
});

const centre = (rgb: Uint8Array): number[] => {
  const at = Math.floor(1024 * 512.5) * 3;
  return [...rgb.subarray(at, at + 3)];
};

test("what stands beside Illustrator's own data is drawn, in the styles that its entities stand for", async () => {
  const entities = `<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [
  <!ENTITY ns_ai "http://ns.adobe.com/AdobeIllustrator/10.0/">
  <!ENTITY st0 "fill:#0066CC;">
]>`;
  const own = '<foreignObject requiredExtensions="&ns_ai;" x="0" y="0" width="1" height="1"><p/></foreignObject>';
  const drawn = (style: string): string =>
    `<switch>${own}<g xmlns:i="&ns_ai;" i:extraneous="self"><rect style="&st0;" width="8" height="8"/></g></switch>${style}`;
  for (const style of ['', '<style>g { fill: var(--never, red) }</style>']) {
    assert.deepEqual(centre(await draw(drawn(style), entities)), [0, 0x66, 0xcc]);
  }
});

test('a drawing stands on its background, and what is no colour is said', async () => {
  const on = async (style: string): Promise<{ colour: number[]; warnings: readonly string[] }> => {
    const text = svg(
      `width="8" height="8" viewBox="-4 -4 8 8" style="${style}"`,
      '<rect x="-4" y="-4" width="1" height="1"/>',
    );
    const pixels = await decodeFile(Buffer.from(text));
    return { colour: centre(rgbOf(pixels)), warnings: pixels.warnings ?? [] };
  };
  assert.deepEqual(await on('background:#0066cc;'), { colour: [0, 0x66, 0xcc], warnings: [] });
  assert.deepEqual(await on('background-color: rgb(0, 102, 204)'), { colour: [0, 0x66, 0xcc], warnings: [] });
  assert.deepEqual(await on('background: white'), { colour: [255, 255, 255], warnings: [] });
  assert.deepEqual(await on('background: linear-gradient(red, blue)'), {
    colour: [255, 255, 255],
    warnings: ['its background is not drawn'],
  });
});

test('letters are of 16 pixels unless somebody says otherwise, keep their spaces and stand where they are aligned', async () => {
  const text = (attributes: string, letters = 'M  M'): Promise<Uint8Array> =>
    draw(`<text ${attributes}>${letters}</text>`).then((rgb) => rgb);
  const same = async (one: string, other: string): Promise<void> =>
    assert.deepEqual(await text(one), await text(other), one);
  await same('y="8" font-family="DejaVu Sans"', 'y="8" font-family="DejaVu Sans" font-size="16"');
  await same('y="0.5em" style="fill:var(--c, red)"', 'y="8" fill="red" font-size="16px"');
  await same('y="8" font-size="3" style="white-space: pre"', 'y="8" font-size="3" xml:space="preserve"');
  await same('y="1" font-size="6" alignment-baseline="hanging"', 'y="1" font-size="6" dominant-baseline="hanging"');
});

test('a symbol has its own size where its use has none', async () => {
  const symbol =
    '<symbol id="s" viewBox="0 0 1 1" width="4" height="4"><rect width="1" height="1" fill="#06c"/></symbol>';
  const used = await draw(`${symbol}<use href="#s" x="1" y="1"/>`);
  assert.deepEqual(used, await draw('<rect x="1" y="1" width="4" height="4" fill="#06c"/>'));
});

test('a step of a filter that reads what is not there reads the step before, or the drawing itself', async () => {
  const filtered = async (steps: string): Promise<number[]> => {
    const filter = `<filter id="f" color-interpolation-filters="sRGB">${steps}</filter>`;
    const rgb = await draw(`${filter}<rect width="8" height="8" fill="#204060" filter="url(#f)"/>`);
    return [...rgb.subarray(rgb.length >> 1, (rgb.length >> 1) + 3)];
  };
  const sum = 'operator="arithmetic" k2="1" k3="1"';
  // As matplotlib writes shades between three colours.
  const added = await filtered(`<desc/><feComposite in="SourceGraphic" in2="BackgroundImage" ${sum}/>`);
  assert.deepEqual(added, [0x40, 0x80, 0xc0]);
  const flood = '<feFlood flood-color="#100010"/>';
  assert.deepEqual(await filtered(`${flood}<feMerge><feMergeNode in="never"/></feMerge>`), [0x10, 0, 0x10]);
  assert.deepEqual(await filtered(`<feOffset result="a"/>${flood}<feOffset in="a"/>`), [0x20, 0x40, 0x60]);
});

test('a drawing in UTF-16 is drawn', async () => {
  const text = `<?xml version="1.0" encoding="UTF-16"?>${svg('width="8" height="8"', '<rect width="8" height="8"/>')}`;
  const rgb = rgbOf(await decodeFile(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])));
  assert.ok(rgb.every((value) => value === 0));
});

test('a drawing that breaks off is refused, not drawn as far as it goes', async () => {
  const whole = svg(
    'width="8" height="8" viewBox="0 0 8 8"',
    '<g><rect style="fill:var(--c)" width="8" height="8"/></g>',
  );
  await assert.rejects(decodeFile(Buffer.from(whole.slice(0, -10))), {
    code: 'input',
    message: /the SVG cannot be decoded/,
  });
});

test('variables that multiply, or lead to themselves, end', async () => {
  const doubling = Array.from({ length: 40 }, (_, index) => `--v${index + 1}:var(--v${index}) var(--v${index})`).join(
    ';',
  );
  const style = `<style>rect{--v0:x;${doubling};--a:var(--b);--b:var(--a);fill:var(--v40);stroke:var(--a)}</style>`;
  await draw(`${style}<rect width="8" height="8"/>`);
});
