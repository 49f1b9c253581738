import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { reportHead, reportRow, reportTail } from '../../src/output/decision-report.ts';
import type { Decision } from '../../src/asking/decisions/decision.ts';
import { browserPath, openBrowser } from '../helpers/browser.ts';

const decision = (name: string, type: Decision['type'], value: number, more: Partial<Decision> = {}): Decision => ({
  name,
  type,
  value,
  choice: value >= 0.5 ? 'yes' : 'no',
  probabilities: { yes: value, no: 1 - value },
  mass: 1,
  argmaxIsOption: true,
  orderEffect: undefined,
  temperature: 1,
  unsure: false,
  ...more,
});
const kind = (choice: string, value: number): Decision =>
  decision('kind', 'choice', value, {
    choice,
    probabilities: {
      letter: choice === 'letter' ? value : 1 - value,
      receipt: choice === 'receipt' ? value : 1 - value,
    },
  });
const hostile = '"><img src=x onerror="document.title=1">\'</script>';
const rows = [
  { id: 'a.png', thumbnail: undefined, decisions: [decision('person', 'predicate', 0.9), kind('letter', 0.8)] },
  { id: 'b.png', thumbnail: undefined, decisions: [decision('person', 'predicate', 0.2), kind('receipt', 0.7)] },
  {
    id: hostile,
    thumbnail: undefined,
    decisions: [decision('person', 'predicate', 0.95, { unsure: true }), kind('letter', 0.6)],
  },
];

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'pixtral-report-'))));
after(() => rm(folder, { recursive: true }));

test('names of files and options are text in the page, whatever they hold', () => {
  const row = reportRow(rows[2]!);
  assert.ok(!row.includes('<img src=x') && !row.includes('</script>'));
  assert.ok(row.includes('&quot;&gt;&lt;img src=x'));
});

test(
  'the page filters by slider and choice, sorts, counts, and loads nothing',
  { skip: browserPath === undefined },
  async () => {
    const path = join(folder, 'report.html');
    await writeFile(path, reportHead('<b>Title</b>') + rows.map(reportRow).join('') + reportTail());
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('pageerror', (error) => assert.fail(error));
      await page.goto(pathToFileURL(path).href);
      const shown = async (): Promise<string[]> => page.locator('figure:visible b').allTextContents();
      assert.deepEqual(await shown(), ['a.png', 'b.png', hostile]);
      assert.equal(await page.locator('#count').textContent(), '3 of 3 pictures');
      await page.locator('input[name=person]').fill('0.5');
      assert.deepEqual(await shown(), ['a.png']); // an unsure answer matches nothing
      await page.locator('input[name=person]').fill('0');
      await page.locator('select[name=kind]').selectOption('letter');
      assert.deepEqual(await shown(), ['a.png', hostile]);
      await page.locator('select[name=kind]').selectOption('any');
      await page.locator('select[name=order]').selectOption('kind');
      assert.deepEqual(await shown(), ['a.png', 'b.png', hostile]);
      assert.equal(await page.title(), '<b>Title</b>');
      assert.deepEqual(asked, [pathToFileURL(path).href]);
    } finally {
      await browser.close();
    }
  },
);
