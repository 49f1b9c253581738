import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { browserPath, openBrowser } from '../helpers/browser.ts';
import { cli } from '../helpers/cli.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { makePdf } from '../helpers/make-pdf.ts';
import { type Running, seen, serverCache, startServer } from '../helpers/server.ts';

const skip = browserPath === undefined && 'there is no Chromium: PIXTRAL_TEST_BROWSER names one';
const star = scenePath('demo/0022a.png');
const bus = scenePath('demo/0007a.png');

let cache: string;
let server: Running;
let browser: Browser;
before(async () => {
  if (skip) return;
  cache = await serverCache();
  [server, browser] = await Promise.all([startServer(cache), openBrowser()]);
});
after(async () => {
  if (skip) return;
  await browser.close();
  await server.stop(constants.signals.SIGINT);
  await rm(cache, { recursive: true, force: true });
});

/** A tab of the page in which nothing fails unseen, and no other place is asked for anything. */
async function onPage(
  work: (page: Page) => Promise<void>,
  { url = server.url, failures = 0, ...options }: BrowserContextOptions & { url?: string; failures?: number } = {},
): Promise<void> {
  const context = await browser.newContext(options);
  const wrong: string[] = [];
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(120_000); // of machines that are busy with much else
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) wrong.push(message.text());
    });
    page.on('request', (asked) => {
      if (!asked.url().startsWith(`${url}/`) && !asked.url().startsWith(`blob:${url}/`)) wrong.push(asked.url());
    });
    await page.goto(url);
    await page.locator('#model:not(:empty), #key:not([hidden])').waitFor();
    await work(page);
    // Chromium's own lines, for each answer with an error status and each text that would have become HTML.
    const refused = wrong.filter((text) => /^Failed to load resource|'TrustedHTML'/.test(text));
    assert.deepEqual(
      wrong.filter((text) => !refused.includes(text)),
      [],
    );
    assert.equal(refused.length, failures, refused.join('\n'));
  } finally {
    await context.close();
  }
}

const question = (page: Page) => page.getByRole('textbox', { name: /^Your question/ });
const turn = (page: Page, number: number) => page.getByRole('article', { name: `Turn ${number}` });
const ended = (page: Page, number: number) => turn(page, number).locator('.answer[aria-busy=false]');

/** Chromium makes an event of what a person would drop or paste. */
async function give(
  page: Page,
  kind: 'drop' | 'paste',
  files: readonly { name: string; bytes: Buffer; type: string }[],
) {
  const given = files.map(({ bytes, ...file }) => ({ ...file, base64: bytes.toString('base64') }));
  await page.evaluate(
    `{
      const data = new DataTransfer();
      for (const { name, type, base64 } of ${JSON.stringify(given)})
        data.items.add(new File([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))], name, { type }));
      const bubbles = { bubbles: true, cancelable: true };
      document.body.dispatchEvent(
        ${JSON.stringify(kind)} === 'drop'
          ? new DragEvent('drop', { dataTransfer: data, ...bubbles })
          : new ClipboardEvent('paste', { clipboardData: data, ...bubbles }),
      );
    }`,
  );
}

test('a picture is dropped, seen as the model sees it, asked about in two turns, and saved', { skip }, () =>
  onPage(async (page) => {
    await give(page, 'drop', [{ name: 'star.png', bytes: await readFile(star), type: 'image/png' }]);
    await page.getByRole('button', { name: 'See star.png as the model sees it' }).click();
    const dialog = page.getByRole('dialog', { name: 'star.png' });
    assert.match((await dialog.locator('figcaption').textContent())!, /squares of 16 pixels, \d+ tokens/);
    const { width, height } = (await dialog.getByRole('img').boundingBox())!;
    assert.ok(width > 100 && height > 100);
    await dialog.getByRole('checkbox', { name: 'grid of tokens' }).uncheck();
    assert.equal(await dialog.locator('.grid').isVisible(), false);
    await dialog.getByRole('button', { name: 'Close' }).click();

    await question(page).fill('what do you see?');
    await question(page).press('Enter');
    await ended(page, 1).waitFor();
    assert.equal(await ended(page, 1).textContent(), seen['0022a.png']);
    assert.equal(await page.getByRole('status').textContent(), `Answer: ${seen['0022a.png']}`);
    assert.equal(await page.getByRole('button', { name: 'Remove star.png' }).count(), 0); // it is in the turn now
    await question(page).fill('how many shapes are there?');
    await page.getByRole('button', { name: 'Ask' }).click();
    await ended(page, 2).waitFor();
    assert.notEqual(await ended(page, 2).textContent(), '');

    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the conversation' }).click();
    const saved = JSON.parse(await readFile(await (await download).path(), 'utf8')) as {
      body: { messages: { role: string }[] };
      chat: { answer: string };
    };
    assert.deepEqual(
      saved.body.messages.map(({ role }) => role),
      ['user', 'assistant', 'user'],
    );
    assert.equal(saved.chat.answer, await ended(page, 2).textContent());
    const talk = join(cache, 'talk.jsonl');
    await (await download).saveAs(talk);
    const words = ['--model', 'demo', '--gpu', 'off', '--threads', '1', '--temperature', '0'];
    const again = await cli(['ask', '--messages', talk, ...words], { env: { PIXTRAL_CACHE: cache } });
    assert.equal(again.stdout.trim(), saved.chat.answer);

    await page.getByRole('button', { name: 'New conversation' }).click();
    assert.equal(await page.getByRole('article').count(), 0);
    await page.reload();
    await page.getByText('Drop pictures or PDFs anywhere').waitFor();
  }),
);

test('pictures and pages of a PDF are pasted, pages chosen; what is no picture says so by its name', { skip }, () =>
  onPage(
    async (page) => {
      const pages = Array.from({ length: 3 }, () => ({ size: [300, 400] as const, content: '' }));
      const pdf = { name: 'a.pdf', bytes: makePdf(pages), type: 'application/pdf' };
      const image = { name: 'image.png', bytes: await readFile(star), type: 'image/png' };
      await give(page, 'paste', [pdf, image]);
      await give(page, 'paste', [image, { name: 'b.png', bytes: Buffer.from('hello'), type: 'image/png' }]);
      const line = (name: string) => page.locator('#tray li').filter({ hasText: name });
      await line('a.pdf').getByText('3 pictures').waitFor();
      await line('image.png (2)').getByText('tokens').waitFor();
      await line('b.png')
        .getByText(/^b\.png: /)
        .waitFor();
      await page.getByRole('textbox', { name: 'Pages of a.pdf' }).fill('2-3');
      await page.getByRole('textbox', { name: 'Pages of a.pdf' }).press('Tab');
      await line('a.pdf').getByText('2 pictures').waitFor();
      await page.getByRole('button', { name: 'Remove b.png' }).click();
      assert.equal(await page.locator('#tray li').count(), 3);
      await page.getByRole('button', { name: 'Remove all' }).click();
      assert.equal(await page.locator('#tray-facts').textContent(), 'None yet.');
    },
    { failures: 1 },
  ),
);

/** Nothing is computed any more for whoever left. */
async function isFree(): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    if (/requests_in_work 0\n/.test(metrics)) return;
    await setTimeout(50);
  }
}

test('an answer is stopped by Escape at its first word and keeps it; the server is free again', { skip }, () =>
  onPage(async (page) => {
    await page.locator('#files').setInputFiles(star);
    await question(page).fill('what do you see?');
    await page.evaluate(`{
      const escape = new KeyboardEvent('keydown', { key: 'Escape', bubbles: true });
      const watch = new MutationObserver(() => document.querySelector('.answer')?.textContent && document.dispatchEvent(escape));
      watch.observe(document.getElementById('turns'), { subtree: true, childList: true, characterData: true });
    }`);
    await question(page).press('Enter');
    await turn(page, 1).getByText('Stopped.').waitFor();
    const kept = (await ended(page, 1).textContent())!;
    assert.ok(kept !== '' && seen['0022a.png']!.startsWith(kept), kept);
    assert.equal(await page.getByRole('button', { name: 'Stop' }).isVisible(), false);
    await isFree();
  }),
);

test(
  'what is typed and added during an answer stays; a new conversation knows nothing of the one before',
  { skip },
  () =>
    onPage(
      async (page) => {
        const sent: number[] = [];
        page.on('request', (asked) => {
          if (asked.url().endsWith('/v1/chat/completions')) sent.push(asked.postDataJSON().messages.length);
        });
        const duringAnswer = (code: string): Promise<unknown> =>
          page.evaluate(`{
        const watch = new MutationObserver(() => {
          if (!document.querySelector('#turns li:last-child .answer')?.textContent) return;
          watch.disconnect();
          ${code}
        });
        watch.observe(document.getElementById('turns'), { subtree: true, childList: true, characterData: true });
      }`);
        await page.locator('#files').setInputFiles(star);
        await duringAnswer(`
      document.getElementById('question').value = 'and now?';
      const data = new DataTransfer();
      data.items.add(new File(['later'], 'later.png'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));`);
        await question(page).fill('what do you see?');
        await question(page).press('Enter');
        await ended(page, 1).waitFor();
        assert.equal(await question(page).inputValue(), 'and now?');
        assert.deepEqual(await page.locator('#tray b').allTextContents(), ['later.png']);
        await page.locator('#tray .refused').waitFor();
        await page.getByRole('button', { name: 'Remove all' }).click();

        await duringAnswer(`document.getElementById('fresh').click();`);
        await question(page).press('Enter'); // the observer sees the first answer, and ends the conversation at once
        await page.getByText('Drop pictures or PDFs anywhere').waitFor();
        await page.locator('#files').setInputFiles(bus);
        await question(page).fill('what do you see?');
        await question(page).press('Enter');
        await ended(page, 1).waitFor();
        assert.equal(await ended(page, 1).textContent(), seen['0007a.png']);
        assert.deepEqual(sent, [1, 3, 1]);
      },
      { failures: 1 },
    ),
);

test('what is stopped before it has an answer stands in the form again', { skip }, () =>
  onPage(async (page) => {
    await page.locator('#files').setInputFiles(star);
    await page.getByRole('radio', { name: 'JSON' }).check();
    const numbers = { type: 'array', items: { type: 'integer', minimum: 1_000_000 }, minItems: 400 };
    const schema = { type: 'object', properties: { numbers }, required: ['numbers'] }; // JSON comes whole, or not at all
    await page.getByLabel('Schema', { exact: true }).fill(JSON.stringify(schema));
    await question(page).fill('count');
    await question(page).press('Enter');
    await turn(page, 1).getByText('Answering').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Ask' }).getAttribute('aria-disabled'), 'true');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('status').getByText('Stopped.').waitFor({ state: 'attached' });
    assert.equal(await page.getByRole('article').count(), 0);
    assert.equal(await question(page).inputValue(), 'count');
    assert.equal(await page.locator('#tray li').count(), 1);
    assert.equal(await page.evaluate('document.activeElement.id'), 'question');
    await isFree();
  }),
);

test('an answer in JSON keeps to a schema in short form; a mistake in it is told and costs nothing', { skip }, () =>
  onPage(
    async (page) => {
      await page.locator('#files').setInputFiles(star);
      await page.getByRole('radio', { name: 'JSON' }).check();
      await page.getByLabel('Schema', { exact: true }).fill('answer: nubmer');
      await question(page).fill('how many shapes are there? Answer in JSON.');
      await question(page).press('Enter');
      await page.getByRole('alert').getByText('there is no type nubmer').waitFor();
      assert.equal(await page.getByRole('article').count(), 0);
      await page.getByLabel('Schema', { exact: true }).fill('{"answer"');
      await question(page).press('Enter');
      await page.getByRole('alert').getByText('The schema cannot be read as JSON').waitFor();
      await page.getByLabel('Schema', { exact: true }).fill('answer: integer');
      await question(page).press('Enter');
      await ended(page, 1).waitFor();
      assert.equal(await ended(page, 1).textContent(), '{\n  "answer": 4\n}');
      assert.equal(await page.getByRole('alert').textContent(), '');
    },
    { failures: 1 },
  ),
);

test('decisions have a bar for each option, and leave the pictures where they are', { skip }, () =>
  onPage(async (page) => {
    await page.locator('#files').setInputFiles(star);
    await page.getByRole('radio', { name: 'decisions' }).check();
    await question(page).fill('is there a green star?\ncolour=red|green: what colour is the star?');
    await question(page).press('Control+Enter');
    await ended(page, 1).waitFor();
    const tables = ended(page, 1).getByRole('table');
    assert.deepEqual(await tables.locator('caption').allTextContents(), [
      'is there a green star?',
      'colour=red|green: what colour is the star?',
    ]);
    assert.deepEqual(await tables.nth(0).getByRole('rowheader').allTextContents(), ['yes', 'no']);
    assert.deepEqual(await tables.nth(1).getByRole('rowheader').allTextContents(), ['red', 'green']);
    assert.ok(Number(await tables.nth(0).getByRole('meter').first().getAttribute('value')) > 0.9);
    assert.equal(await page.getByRole('button', { name: 'Remove 0022a.png' }).count(), 1);
  }),
);

test('a batch asks about each file by itself, and is had as JSONL and CSV with its errors', { skip }, () =>
  onPage(
    async (page) => {
      await page.locator('#files').setInputFiles([star, bus]);
      await give(page, 'drop', [{ name: '=b,ad.png', bytes: Buffer.from('hello'), type: 'image/png' }]);
      await page.getByRole('radio', { name: 'each file by itself' }).check();
      await question(page).fill('what do you see?');
      await question(page).press('Enter');
      await ended(page, 1).waitFor();
      assert.equal(await page.getByRole('progressbar').getAttribute('value'), '3');
      await turn(page, 1).getByText('3 files of 3 answered, 1 of them with an error.').waitFor();
      const download = async (name: string): Promise<string> => {
        const event = page.waitForEvent('download');
        await page.getByRole('button', { name }).click();
        return readFile(await (await event).path(), 'utf8');
      };
      const lines = (await download('Download JSONL'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        lines.map(({ id, text }) => [id, text]),
        [
          ['0022a.png', seen['0022a.png']],
          ['0007a.png', seen['0007a.png']],
          ['=b,ad.png', undefined],
        ],
      );
      assert.match(lines[0].images[0].sha256, /^[0-9a-f]{64}$/);
      assert.match(lines[2].error.message, /^=b,ad\.png: /);
      const csv = (await download('Download CSV')).split('\r\n');
      assert.equal(csv[0], 'id,text,error');
      assert.equal(csv[2], `0007a.png,"${seen['0007a.png']!.replaceAll('"', '""')}",`);
      assert.match(csv[3]!, /^"'=b,ad\.png",,/);
      assert.equal(await page.locator('#tray li').count(), 3); // they stay for the next question
    },
    { failures: 2 }, // seen, and asked about
  ),
);

test('what is typed, named and answered stays text', { skip }, () =>
  onPage(
    async (page) => {
      const hostile = `<img src=x onerror="document.title='hit'"><script>document.title='hit'</script>`;
      await give(page, 'drop', [{ name: hostile, bytes: Buffer.from('hello'), type: 'image/png' }]);
      await page.locator('#tray li.refused').waitFor();
      assert.equal(await page.locator('#tray b').textContent(), hostile);
      await page.getByRole('button', { name: 'Remove all' }).click();
      await page.getByRole('radio', { name: 'JSON' }).check();
      await page.getByLabel('Schema', { exact: true }).fill(JSON.stringify({ const: hostile }));
      await question(page).fill(hostile);
      await question(page).press('Enter');
      await ended(page, 1).waitFor();
      assert.equal(await turn(page, 1).locator('.asked p').textContent(), hostile);
      assert.equal(await ended(page, 1).textContent(), JSON.stringify(hostile));
      assert.equal(await turn(page, 1).locator('img, script').count(), 0);
      assert.doesNotMatch(await page.title(), /hit/);
      await assert.rejects(page.evaluate(`document.body.innerHTML = '<b>'`), /TrustedHTML/);
    },
    { failures: 2 },
  ),
);

/** A browser that was told to wait for the chooser may open it a moment later than the key comes. */
async function chosenByEnter(page: Page) {
  for (let tries = 0; ; tries++) {
    const chooser = page.waitForEvent('filechooser', { timeout: 5000 });
    await setTimeout(100 * tries);
    await page.keyboard.press('Enter');
    const found = await chooser.catch((thrown: unknown) => {
      if (tries === 4) throw thrown;
    });
    if (found) return found;
  }
}

test('everything is done with the keyboard alone', { skip }, () =>
  onPage(async (page) => {
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter'); // skip to the question
    assert.equal(await page.evaluate('document.activeElement.id'), 'question');
    const tabTo = async (name: string, key: string): Promise<void> => {
      const names = async () => page.evaluate('[document.activeElement.id, document.activeElement.className]');
      for (let steps = 0; !((await names()) as string[]).includes(name); steps++) {
        assert.ok(steps < 30, `${name} is not reached`);
        await page.keyboard.press(key);
      }
    };
    await tabTo('add', 'Shift+Tab');
    await (await chosenByEnter(page)).setFiles(star);
    await page.locator('#tray img[src^=blob]').waitFor();
    await page.bringToFront(); // the chooser of files had the focus
    await tabTo('thumb', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate('document.activeElement.className'), 'thumb');
    await tabTo('question', 'Tab');
    await page.keyboard.type('what do you see?');
    await tabTo('send', 'Tab');
    await page.keyboard.press('Enter');
    await ended(page, 1).waitFor();
    assert.equal(await ended(page, 1).textContent(), seen['0022a.png']);
  }),
);

test('a key is asked for where the server wants one, and stays in the tab over a reload', { skip }, async () => {
  const locked = await startServer(cache, '--api-key', 'secret');
  try {
    await onPage(
      async (page) => {
        const key = page.getByLabel('API key of this server');
        await key.fill('wrong');
        await key.press('Enter');
        await page.getByRole('alert').getByText('does not take this key').waitFor();
        await key.fill('secret');
        await key.press('Enter');
        await page.locator('#model').getByText('demo').waitFor();
        assert.equal(await key.isVisible(), false);
        await page.reload();
        await page.locator('#model').getByText('demo').waitFor();
        assert.equal(await page.evaluate('localStorage.length + document.cookie.length'), 0);
      },
      { url: locked.url, failures: 2 },
    );
  } finally {
    await locked.stop(constants.signals.SIGINT);
  }
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1200, 340]) {
    test(`axe finds nothing in ${colorScheme}, ${width} pixels wide, and nothing is cut off`, { skip }, async () => {
      await onPage(
        async (page) => {
          const check = async (): Promise<void> => {
            await page.evaluate(axe.source);
            const found = await page.evaluate<{ violations: { id: string; nodes: object[] }[] }>('axe.run()');
            assert.deepEqual(
              found.violations.map(({ id, nodes }) => [id, JSON.stringify(nodes).slice(0, 400)]),
              [],
            );
            assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
          };
          await page.locator('#files').setInputFiles([star, bus]);
          await page.getByText('Settings').click();
          await page.getByRole('radio', { name: 'JSON' }).check();
          await check();
          await page.getByRole('radio', { name: 'decisions' }).check();
          await question(page).fill('is there a green star?');
          await question(page).press('Control+Enter');
          await ended(page, 1).waitFor();
          await page.getByRole('radio', { name: 'each file by itself' }).check();
          await question(page).press('Control+Enter');
          await ended(page, 2).waitFor();
          await check();
          const shots = process.env['PIXTRAL_TEST_SHOTS'];
          if (shots !== undefined)
            await page.screenshot({ path: `${shots}/${colorScheme}-${width}.png`, fullPage: true });
          await page.locator('#tray .thumb').first().click();
          await check();
          if (shots !== undefined) await page.screenshot({ path: `${shots}/look-${colorScheme}-${width}.png` });
        },
        { colorScheme, viewport: { width, height: 800 } },
      );
    });
  }
}
