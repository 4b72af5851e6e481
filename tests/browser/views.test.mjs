// Every view, in light and dark and on a phone: axe-core finds nothing serious, nothing scrolls sideways; screenshots for
// people to look at (VISAVIS_SHOTS).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { createRequire } from 'node:module';
import {
  compare_portraits,
  enrol,
  make_gallery,
  open_browser,
  open_page,
  open_server,
  picture,
  portrait,
  shot,
} from './harness.mjs';

const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kJson = { 'Content-Type': 'application/json' };
let browser;
let server;
let person;

const post = (path, json) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: kJson,
    body: JSON.stringify(json),
  }).then((answer) => answer.json());

/** A mock with people in it, and one without anything. */
before(async () => {
  browser = await open_browser();
  server = await open_server({ mock: true });
  const opened = await open_page(browser, server);
  const { page } = opened;
  await opened.go('');
  await make_gallery(page, 'staff', { keep: 'photos' });
  await enrol(page, server.url, 'staff', 'Barack Obama', [portrait('obama2.jpg')]);
  await page.getByRole('status').filter({ hasText: '1 enrolled.' }).waitFor();
  await enrol(page, server.url, 'staff', 'Joe Biden', [portrait('biden.jpg')]);
  await page.getByRole('status').filter({ hasText: '1 enrolled.' }).waitFor();
  person = (
    await post('/v1/galleries/staff/persons', {
      name: 'A person with a name so long that it has to be broken over several lines on a phone',
      expires_at: '2001-01-01',
      consent_basis: 'signed form 17',
    })
  ).person;
  await post('/v1/galleries', {
    gallery: 'a-gallery-with-the-longest-name-that-is-allowed-for-any-gallery',
    description: 'Empty',
    min_quality: 0.4,
    keep: 'none',
  });
  await post('/v1/keys', { scope: 'read', note: 'door camera', expires_at: '2099-01-01' });
  await opened.close();
});
after(async () => {
  await browser.close();
  await server.close();
});

async function search(page) {
  await page
    .getByLabel('Photos to search with')
    .locator('input')
    .setInputFiles([portrait('obama3.jpg'), portrait('astronaut.png')]);
  await page.getByRole('heading', { name: 'Face 1: Barack Obama' }).waitFor();
  await page.getByRole('heading', { name: 'Face 1: unknown' }).waitFor();
  await page.getByRole('img', { name: 'Kept picture of Joe Biden' }).nth(1).waitFor();
}
async function enrol_some(page) {
  await page.getByLabel('Name', { exact: true }).fill('Eileen Collins');
  const files = [
    portrait('astronaut.png'),
    picture('two.png'),
    picture('noface.png'),
    {
      name: 'letter.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('this is a letter and not at all a photo'),
    },
  ];
  await page.getByLabel('Photos to enrol').locator('input').setInputFiles(files);
  await page.getByRole('button', { name: 'Enrol 4 photos' }).click();
  await page.getByRole('status').filter({ hasText: 'refused, 1 failed.' }).waitFor();
  await page.getByRole('img', { name: 'two.png, 2 faces marked' }).waitFor();
}
const open = (name) => (page) => page.getByRole('button', { name }).click();

/** name, address, what is done there before it is looked at. */
const kViews = [
  ['search-empty', () => '#/search?gallery=staff'],
  ['search', () => '#/search?gallery=staff', search],
  ['enrol-empty', () => '#/enrol?gallery=staff'],
  ['enrol', () => '#/enrol?gallery=staff', enrol_some],
  ['compare', () => '#/compare', compare_portraits],
  ['galleries', () => '#/galleries'],
  ['gallery', () => '#/galleries/staff', (page) => page.getByText('People 1 to').waitFor()],
  ['gallery-delete', () => '#/galleries/staff', open('Delete the gallery')],
  ['gallery-settings', () => '#/galleries/staff', open('Change the settings')],
  [
    'person',
    () => '#/galleries/staff/persons/p1',
    (page) => page.getByRole('img', { name: /^Face 1/ }).waitFor(),
  ],
  ['person-expired', () => `#/galleries/staff/persons/${person}`],
  [
    'imports',
    () => '#/imports?gallery=staff',
    async (page) => {
      await page
        .getByLabel('Zip archive')
        .setInputFiles({ name: 'a.zip', mimeType: 'application/zip', buffer: Buffer.from('zip') });
      await page.getByRole('button', { name: 'Import the archive' }).click();
      await page.getByText(/4 of 4 photos/).first().waitFor();
      await page.getByText('Photos that were not enrolled').first().click();
      await page.getByRole('table').first().waitFor();
    },
  ],
  ['keys', () => '#/keys'],
  [
    'key-made',
    () => '#/keys',
    async (page) => {
      await open('Make a key')(page);
      await open('Make the key')(page);
      await page.getByText('It is shown only this once').waitFor();
    },
  ],
  ['audit', () => '#/audit', (page) => page.getByRole('table').waitFor()],
  ['server', () => '#/server', (page) => page.getByRole('table', { name: 'Engines' }).waitFor()],
  ['no-such-page', () => '#/nowhere'],
];

/** axe's rules to run: all in light; in dark those of colours, since nothing else differs; on a phone none but the width. */
const kAll = {};
const kColours = { runOnly: ['color-contrast'] };

async function check(page, name, rules = kAll) {
  if (rules) {
    if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(kAxe);
    const found = await page.evaluate(
      (chosen) =>
        window.axe.run(document, { resultTypes: ['violations'], preload: false, ...chosen }),
      rules,
    );
    const grave = found.violations.filter(
      (one) => one.impact === 'serious' || one.impact === 'critical',
    );
    assert.deepEqual(
      grave.map(
        (one) =>
          `${name}: ${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`,
      ),
      [],
    );
  }
  const [wide, room] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(wide <= room, `${name}: ${wide} px wide in ${room}`);
}

async function look_at_all(kind, rules, options) {
  const { page, go, close } = await open_page(browser, server, {
    allowed: [415, 422, 409],
    reducedMotion: 'reduce',
    ...options,
  });
  for (const [name, address, act] of kViews) {
    await go('#/nowhere'); // so that the same view starts anew
    await page.getByRole('heading', { name: 'No such page' }).waitFor();
    await go(address());
    await page
      .getByRole('heading', { name: 'No such page' })
      .waitFor({ state: name === 'no-such-page' ? 'visible' : 'detached' });
    await act?.(page);
    if (name === 'enrol') tidy();
    await check(page, `${name}-${kind}`, rules);
    await shot(page, `${name}-${kind}`);
  }
  await close();
}

/** The next look at the same view enrols the same photo again. */
function tidy() {
  const { people } = server.state.galleries.get('staff');
  for (const [id, one] of people) if (one.name === 'Eileen Collins') people.delete(id);
}

test('every view in light', () => look_at_all('light', kAll, { theme: 'light' }));
test('every view in dark', () => look_at_all('dark', kColours, { theme: 'dark' }));
test('every view at a phone’s 320 px', () =>
  look_at_all('phone', null, { width: 320, height: 640 }));

test('the menu of a phone opens, closes with Escape, and leads on', async () => {
  const { page, go, close } = await open_page(browser, server, { width: 320, height: 640 });
  await go('#/search?gallery=staff');
  const menu = page.getByRole('button', { name: 'Menu' });
  await menu.click();
  assert.equal(await menu.getAttribute('aria-expanded'), 'true');
  await check(page, 'menu');
  await shot(page, 'menu-phone');
  await page.keyboard.press('Escape');
  assert.equal(await menu.getAttribute('aria-expanded'), 'false');
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Menu');
  await menu.click();
  await page.getByRole('link', { name: 'Galleries' }).click();
  await page.getByRole('heading', { level: 1, name: 'Galleries' }).waitFor();
  assert.equal(await page.getByRole('navigation', { name: 'Main' }).isVisible(), false);
  await close();
});

test('without a gallery every view says where to start', async () => {
  const empty = await open_server({ mock: true });
  const { page, go, close } = await open_page(browser, empty);
  for (const name of ['search', 'enrol', 'galleries']) {
    await go(`#/${name}`);
    await page.getByText('There is no gallery yet').waitFor();
    await check(page, `${name} without a gallery`);
  }
  await shot(page, 'galleries-empty-light');
  await close();
  await empty.close();
});

test('the sign-in is as well made as the rest', async () => {
  const locked = await open_server({ mock: true, key: 'vv_key' });
  for (const [kind, options] of [
    ['light', { theme: 'light' }],
    ['dark', { theme: 'dark' }],
    ['phone', { width: 320, height: 640 }],
  ]) {
    const { page, go, close } = await open_page(browser, locked, { allowed: [401], ...options });
    await go('');
    await check(page, `sign-in-${kind}`, kind === 'dark' ? kColours : kAll);
    await shot(page, `sign-in-${kind}`);
    await close();
  }
  await locked.close();
});
