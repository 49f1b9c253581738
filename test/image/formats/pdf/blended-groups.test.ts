import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFile } from '../../../helpers/pictures.ts';
import { makePdf } from '../../../helpers/make-pdf.ts';

const size = [100, 100] as const;
const yellow = '1 1 0 rg 0 0 100 100 re f';

/** Whether a page is warned of that shows a group over `below`, see-through unless `alpha` is 1. */
async function isSaid({ group = '/I false', mode = '/Multiply', alpha = 0.5, below = yellow }): Promise<boolean> {
  const form = {
    entries: `/Type /XObject /Subtype /Form /BBox [0 0 100 100] /Group << /S /Transparency ${group} >> /Resources << /ExtGState << /A << /BM ${mode} >> >> >>`,
    bytes: Buffer.from('/A gs 1 0 0 rg 20 20 60 60 re f'),
  };
  const entries = `/Resources << /XObject << /G 1000 0 R >> /ExtGState << /H << /ca ${alpha} >> >> >>`;
  const bytes = makePdf([{ size, content: `${below} /H gs /G Do`, entries, images: { G: form } }]);
  const { warnings = [] } = await decodeFile(bytes);
  assert.ok(warnings.length <= 1);
  return warnings[0]?.startsWith('has a see-through group whose colours') ?? false;
}

test('a see-through group that is blended with what is below it is named', async () => {
  assert.equal(await isSaid({}), true);
  assert.equal(await isSaid({ group: '' }), true);
  assert.equal(await isSaid({ mode: '[/Darken /Normal]' }), true);
});

test('a group is not named that is isolated, opaque, not blended, or over nothing but white', async () => {
  assert.equal(await isSaid({ group: '/I true' }), false);
  assert.equal(await isSaid({ alpha: 1 }), false);
  assert.equal(await isSaid({ mode: '/Normal' }), false);
  assert.equal(await isSaid({ below: '' }), false);
  assert.equal(await isSaid({ below: '1 1 1 rg 0 0 100 100 re f' }), false);
  assert.equal(await isSaid({ below: '1 1 0 rg 0 0 10 10 re f' }), false);
});
