// What people come for, from end to end; against the real server when there is one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import {
  compare_portraits,
  drop,
  enrol,
  kHavePortraits,
  kReal,
  make_gallery,
  open_browser,
  open_page,
  open_server,
  paste,
  portrait,
  shot,
  text_of,
  zip_of,
} from './harness.mjs';

const skip =
  kReal && !kHavePortraits
    ? 'the demo photographs are not in the cache folder: run make demo once'
    : false;
const kGallery = `web-${process.pid}`;
let browser;
let server;

before(async () => {
  browser = await open_browser();
  server = await open_server();
});
after(async () => {
  await browser.close();
  await server.close();
});

async function on_page(options, steps) {
  const opened = await open_page(browser, server, options);
  await steps(opened.page, opened);
  await opened.close();
}

test('a gallery is made', { skip }, () =>
  on_page({}, async (page, { go }) => {
    await go('');
    await make_gallery(page, kGallery);
    await page.getByText('Nobody is in this gallery yet').waitFor();
  }),
);

test('photos are enrolled: chosen, dropped and pasted', { skip }, () =>
  on_page({}, async (page, { go }) => {
    await go('');
    await enrol(page, server.url, kGallery, 'Barack Obama', [portrait('obama2.jpg')]);
    await page.getByText(/Enrolled, quality \d+ %/).waitFor();
    await page.getByRole('img', { name: 'obama2.jpg, the enrolled face marked' }).waitFor();
    await page.getByRole('link', { name: 'Look at the person' }).click();
    await page.getByRole('heading', { level: 1, name: 'Barack Obama' }).waitFor();
    await page.getByRole('link', { name: 'Add photos' }).first().click();
    assert.match(await page.getByLabel('Person', { exact: true }).inputValue(), /^Barack Obama/);
    await drop(page, 'Photos to enrol', [portrait('obama3.jpg')]);
    await paste(page, [portrait('obama2.jpg')]);
    await page.getByRole('status').filter({ hasText: '2 photos: 2 ready.' }).waitFor();
    await page.getByRole('button', { name: 'Take off the list: obama2.jpg' }).click();
    await page.getByRole('button', { name: 'Enrol 1 photo' }).click();
    await page.getByRole('status').filter({ hasText: '1 photo: 1 enrolled.' }).waitFor();
    await enrol(page, server.url, kGallery, 'Joe Biden', [portrait('biden.jpg')]);
    await page.getByRole('status').filter({ hasText: '1 enrolled.' }).waitFor();
  }),
);

test('a duplicate is refused with its reason', { skip }, () =>
  on_page({ allowed: [409, 422] }, async (page, { go }) => {
    await go('');
    await enrol(page, server.url, kGallery, 'Joe Again', [portrait('biden.jpg')]);
    await page.getByText('Already enrolled').waitFor();
    await page.getByText('Allow duplicates in its settings').waitFor();
  }),
);

test('an archive is imported and says what was left out', { skip }, () =>
  on_page({}, async (page, { go }) => {
    await go('');
    await make_gallery(page, `${kGallery}-imported`); // of its own: others search for strangers
    await go(`#/imports?gallery=${kGallery}-imported`);
    const files = [
      ['Ada/1.jpg', portrait('astronaut.png').buffer],
      ['Ada/notes.txt', Buffer.from('no picture')],
    ];
    await page
      .getByLabel('Zip archive')
      .setInputFiles({ name: 'a.zip', mimeType: 'application/zip', buffer: zip_of(files) });
    await page.getByRole('button', { name: 'Import the archive' }).click();
    const job = page.getByRole('list', { name: 'Imports' }).getByRole('listitem').first();
    await job.getByText(kReal ? /2 of 2 photos: 1 enrolled/ : /4 of 4 photos/).waitFor();
    await job.getByText('Photos that were not enrolled').click();
    await job.getByRole('rowheader', { name: kReal ? 'Ada/notes.txt' : 'Ada/sea.jpg' }).waitFor();
    await shot(page, 'task-import');
    await job.getByRole('button', { name: /^Take off the list/ }).click();
    await page.getByText('No imports yet').waitFor();
  }),
);

test('a search tells who it is, with candidates, scores and the promise', { skip }, () =>
  on_page({}, async (page, { go }) => {
    await go(`#/search?gallery=${kGallery}`);
    await drop(page, 'Photos to search with', [portrait('obama.jpg')]);
    await page.getByRole('heading', { name: 'Face 1: Barack Obama' }).waitFor();
    const candidates = page
      .getByRole('list', { name: 'Candidates for face 1' })
      .getByRole('listitem');
    assert.match(
      await text_of(candidates.nth(0)),
      /Barack Obama Score 0\.\d{3}, reaches the threshold 0\.\d{3}/,
    );
    assert.match(
      await text_of(candidates.nth(1)),
      /Joe Biden Score -?0\.\d{3}, below the threshold/,
    );
    await candidates.nth(0).getByRole('img', { name: 'Kept picture of Barack Obama' }).waitFor();
    await shot(page, 'task-search');
    await page
      .getByText(/At most 1 in 100 strangers who are searched for.* would wrongly be given a name/)
      .waitFor();
    await page.getByText('Options').click();
    await page.getByLabel('How strict').selectOption('threshold');
    await page.getByLabel('Threshold').fill('0.99');
    await page.getByLabel('Threshold').press('Tab');
    await page.getByRole('heading', { name: 'Face 1: unknown' }).waitFor();
    await page.getByText('Nobody has measured how often it is wrong').waitFor();
  }),
);

test('a stranger is unknown', { skip }, () =>
  on_page({}, async (page, { go }) => {
    await go(`#/search?gallery=${kGallery}`);
    await page
      .getByLabel('Photos to search with')
      .locator('input')
      .setInputFiles([portrait('astronaut.png')]);
    await page.getByRole('heading', { name: 'Face 1: unknown' }).waitFor();
    await page.getByText('1 face: 0 recognised, 1 unknown.').first().waitFor();
    assert.match(await page.locator('#live').innerText(), /Face 1: unknown/);
  }),
);

test('two photos are compared', { skip }, () =>
  on_page({}, async (page, { go }) => {
    await go('#/compare');
    await compare_portraits(page);
    await page.getByText(/At most 1 in [\d,]+ comparisons of two different people/).waitFor();
    await page
      .getByRole('img', { name: 'First photo: obama2.jpg, the compared face marked' })
      .waitFor();
    await shot(page, 'task-compare');
    await drop(page, 'Second photo', [portrait('astronaut.png')]);
    await page.getByText('Two different people', { exact: true }).waitFor();
  }),
);

test('a person is changed, exported and loses a face', { skip }, () =>
  on_page({}, async (page, { go }) => {
    await go(`#/galleries/${kGallery}`);
    await page.getByRole('link', { name: 'Barack Obama' }).click();
    await page.getByRole('img', { name: 'Face 1 of Barack Obama' }).waitFor();
    await shot(page, 'task-person');
    await page.getByLabel('Basis of consent').fill('press photo');
    await page.getByLabel('Consent given on').fill('2024-05-01');
    await page.getByLabel('Expires on').fill('2099-12-31');
    await page.getByRole('button', { name: 'Add an attribute' }).click();
    await page.getByLabel('Attribute', { exact: true }).fill('office');
    await page.getByLabel('Value').fill('44th president');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.toast').filter({ hasText: 'Saved.' }).waitFor();
    await page.reload();
    assert.equal(await page.getByLabel('Basis of consent').inputValue(), 'press photo');
    assert.equal(await page.getByLabel('Consent given on').inputValue(), '2024-05-01');
    assert.equal(await page.getByLabel('Expires on').inputValue(), '2099-12-31');
    assert.equal(await page.getByLabel('Value').inputValue(), '44th president');

    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export all that is kept' }).click(),
    ]);
    const exported = JSON.parse(readFileSync(await saved.path(), 'utf8'));
    assert.equal(exported.schema, 'visavis.person-export/1');
    assert.equal(exported.person.consent_basis, 'press photo');

    await page.getByRole('button', { name: 'Remove face 2' }).click();
    await page.getByText('overwritten and gone for good').waitFor();
    await page.getByRole('button', { name: 'Remove the face' }).click();
    await page.getByText('The face is removed.').first().waitFor();
    await page.getByRole('button', { name: 'Remove face 2' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Remove face 1' }).waitFor();
  }),
);

test('settings are changed, a person is added and removed', { skip }, () =>
  on_page({}, async (page, { go }) => {
    await go(`#/galleries/${kGallery}`);
    await page.getByRole('button', { name: 'Change the settings' }).click();
    await page.getByLabel('Description').fill('People of the tests');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('People of the tests').waitFor();
    await page.getByRole('button', { name: 'Add a person' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('<b>Nobody</b> & "quotes"');
    await dialog.getByRole('button', { name: 'Add the person' }).click();
    await page.getByRole('heading', { level: 1, name: '<b>Nobody</b> & "quotes"' }).waitFor();
    await page.getByText('Without a face the person cannot be found.').waitFor();
    await page.getByRole('button', { name: 'Remove the person' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove the person' }).click();
    await page.getByRole('heading', { level: 1, name: kGallery }).waitFor();
    await page.getByRole('link', { name: 'Joe Biden' }).waitFor();
    assert.equal(await page.getByText('Nobody').count(), 0);
  }),
);

test('a key is made, shown once, copied and removed', () =>
  on_page({ permissions: ['clipboard-read', 'clipboard-write'] }, async (page, { go }) => {
    await go('#/keys');
    await page.getByRole('button', { name: 'Make a key' }).click();
    await page.getByLabel('What it may do').selectOption('enrol');
    await page.getByLabel('Note').fill('door camera');
    await page.getByRole('button', { name: 'Make the key' }).click();
    const secret = await page.getByLabel('The new key').inputValue();
    assert.ok(secret.length >= 20);
    await page.getByRole('button', { name: 'Copy the key' }).click();
    await page.getByText('The key is copied.').first().waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
    await page.getByRole('button', { name: 'Done' }).click();
    const row = page.getByRole('row').filter({ hasText: 'door camera' });
    await row.waitFor();
    assert.equal(await page.getByText(secret).count(), 0);
    await row.getByRole('button', { name: /^Remove the key/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove the key' }).click();
    await row.waitFor({ state: 'detached' });
  }));

test('the audit log and the figures of the server are shown', { skip }, () =>
  on_page({}, async (page, { go }) => {
    await go('#/audit');
    await page.getByRole('table', { name: 'Audit log' }).waitFor();
    assert.match(
      await page.getByRole('table', { name: 'Audit log' }).innerText(),
      new RegExp(kGallery),
    );
    await page.getByRole('link', { name: 'Server' }).click();
    await page.getByRole('heading', { name: 'Latency by route' }).waitFor();
    await page.getByRole('table', { name: 'Latency by route' }).getByRole('row').nth(1).waitFor();
    assert.match(await text_of(page.locator('.figures')), /Requests [\d,]+/);
    await page
      .getByRole('table', { name: 'Models' })
      .getByText('faceplugin-512', { exact: true })
      .waitFor();
    await page
      .getByRole('table', { name: 'Engines' })
      .getByRole('row')
      .filter({ hasText: 'reference' })
      .waitFor();
  }),
);

/** Presses Tab until the focus is on a control of that name. */
async function tab_to(page, name) {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const on = document.activeElement;
      return (
        on?.getAttribute('aria-label') ?? on?.labels?.[0]?.textContent ?? on?.textContent ?? ''
      );
    });
    if (name.test(focused.trim())) return;
  }
  assert.fail(`no way by Tab to ${name}`);
}
async function choose_by_key(page, name, photo) {
  await tab_to(page, name);
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.keyboard.press('Space'),
  ]);
  await chooser.setFiles(photo);
}

test('enrolling and searching work by keyboard alone', { skip }, () =>
  on_page({}, async (page, { go }) => {
    // Somebody always listens: to begin with it takes Playwright a moment, in which a key that is
    // pressed already would open the system's own dialogue.
    page.on('filechooser', () => {});
    await go(`#/search?gallery=${kGallery}`);
    await tab_to(page, /^Skip to the content$/);
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
    await page.keyboard.press('Shift+Tab');
    await page.evaluate(
      () => document.activeElement instanceof HTMLElement && document.activeElement.blur(),
    );
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Search' }).waitFor();
    await tab_to(page, /^Enrol$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Enrol' }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1');
    await tab_to(page, /^Name$/);
    await page.keyboard.type('Eileen Collins');
    await choose_by_key(page, /^Photos to enrol$/, portrait('astronaut.png'));
    await page.getByRole('button', { name: 'Enrol 1 photo' }).waitFor();
    await tab_to(page, /^Enrol 1 photo$/);
    await page.keyboard.press('Enter');
    await page.getByRole('status').filter({ hasText: '1 photo: 1 enrolled.' }).waitFor();
    await page.getByRole('link', { name: 'Search with a photo' }).waitFor();
    await tab_to(page, /^Search with a photo$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Search' }).waitFor();
    await choose_by_key(page, /^Photos to search with$/, portrait('astronaut.png'));
    await page.getByRole('heading', { name: 'Face 1: Eileen Collins' }).waitFor();
  }),
);

test('a gallery is deleted only after its name was typed', { skip }, () =>
  on_page({}, async (page, { go }) => {
    await go(`#/galleries/${kGallery}`);
    await page.getByRole('button', { name: 'Delete the gallery' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/people with \d+ faces? and all kept pictures, their names/).waitFor();
    await dialog.getByRole('button', { name: 'Delete the gallery' }).click();
    await dialog.getByLabel(/to confirm/).fill('something else');
    await dialog.getByRole('button', { name: 'Delete the gallery' }).click();
    assert.ok(await dialog.isVisible());
    await dialog.getByLabel(/to confirm/).fill(kGallery);
    await dialog.getByRole('button', { name: 'Delete the gallery' }).click();
    await page.getByRole('heading', { level: 1, name: 'Galleries' }).waitFor();
    assert.equal(await page.getByRole('link', { name: kGallery, exact: true }).count(), 0);
  }),
);
