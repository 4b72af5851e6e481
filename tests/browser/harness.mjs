// A browser, a server (the real one of VISAVIS_URL, else the mock) and pages whose every error fails the test.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { start_mock } from './mock/server.mjs';

export const kReal = process.env.VISAVIS_URL?.replace(/\/$/, '');
const kPhotos = join(process.env.VISAVIS_CACHE || join(homedir(), '.cache/visavis'), 'photos');
const kShots = process.env.VISAVIS_SHOTS;
export const kWaitMs = 20_000;

export async function open_browser() {
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      ...root,
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
    ],
  });
}

/** {url, close}; the mock also has what went wrong in it. */
export async function open_server(options = {}) {
  return kReal && !options.mock ? { url: kReal, close: async () => {} } : start_mock(options);
}

/** A page that remembers what went wrong in it; `allowed` are statuses whose failed loading is part of the test. */
export async function open_page(
  browser,
  server,
  { width = 1280, height = 900, theme = 'light', allowed = [], permissions = [], ...options } = {},
) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    permissions,
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(kWaitMs);
  const faults = [];
  const expected = [...allowed];
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const status = /Failed to load resource: the server responded with a status of (\d+)/.exec(
      message.text(),
    )?.[1];
    if (message.text().includes('net::ERR_CONNECTION_REFUSED')) return; // only a test makes these
    if (!expected.includes(Number(status))) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => {
    const address = new URL(request.url());
    if (!address.protocol.startsWith('blob') && address.origin !== server.url)
      faults.push(`asked another host: ${request.url()}`);
  });
  if (kReal && process.env.VISAVIS_KEY && !server.state)
    await page.addInitScript(
      (key) => sessionStorage.setItem('visavis.key', key),
      process.env.VISAVIS_KEY,
    );
  return {
    page,
    go: async (hash) => {
      await page.goto(`${server.url}/${hash}`);
      await page.locator('h1').waitFor();
    },
    close: async () => {
      await context.close();
      assert.deepEqual(faults, [], 'errors in the console of the page');
      assert.deepEqual(server.defects ?? [], [], 'defects of the mock');
    },
  };
}

/** A photo of the demo for the real server; for the mock any picture of that name will do. */
export function portrait(name) {
  const file = join(kPhotos, name);
  if (existsSync(file))
    return {
      name,
      mimeType: name.endsWith('png') ? 'image/png' : 'image/jpeg',
      buffer: readFileSync(file),
    };
  return picture(name);
}
export const kHavePortraits = existsSync(join(kPhotos, 'obama2.jpg'));

function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc(body));
  return Buffer.concat([length, body, sum]);
}

/** A picture of two colours, its left half red: no face of anybody. Names differ in their bytes, too. */
export function picture(name, width = 320, height = 240) {
  const rows = Buffer.alloc((1 + 3 * width) * height);
  const tint = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 256, 7);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      rows.set(x < width / 2 ? [200, 40, tint] : [40, 90, 200], y * (1 + 3 * width) + 1 + 3 * x);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const buffer = Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return { name, mimeType: 'image/png', buffer };
}

/** A zip archive of [name, bytes], stored (PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16). */
export function zip_of(files) {
  const [bodies, directory] = [[], []];
  let at = 0;
  for (const [name, data] of files) {
    const facts = Buffer.alloc(26); // what both headers have in common
    facts.writeUInt16LE(20, 0);
    facts.writeUInt32LE(crc(data), 10);
    facts.writeUInt32LE(data.length, 14);
    facts.writeUInt32LE(data.length, 18);
    facts.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), facts, Buffer.from(name), data]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    const made_by = Buffer.from('504b01021400', 'hex');
    directory.push(Buffer.concat([made_by, facts, rest, Buffer.from(name)]));
    bodies.push(local);
    at += local.length;
  }
  const size = directory.reduce((sum, one) => sum + one.length, 0);
  const end = Buffer.alloc(22);
  end.set(Buffer.from('504b0506', 'hex'));
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, ...directory, end]);
}

/** The same photo, said by EXIF (orientation 6) to be turned by a quarter. */
export function turned(jpeg) {
  const tiff = Buffer.from('4d4d002a00000008000101120003000000010006000000000000', 'hex');
  const exif = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const head = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, exif, jpeg.subarray(2)]);
}

export async function shot(page, name) {
  if (!kShots) return;
  mkdirSync(kShots, { recursive: true });
  await page.screenshot({ path: join(kShots, `${basename(name)}.png`), fullPage: true });
}

// What people do, as steps that several tests take.

export async function make_gallery(page, name, { keep = 'chips' } = {}) {
  await page.getByRole('link', { name: 'Galleries' }).first().click();
  await page.getByRole('button', { name: 'Make a gallery' }).click();
  const dialog = page.getByRole('dialog', { name: 'Make a gallery' });
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel('Kept of each photo').selectOption(keep);
  await dialog.getByRole('button', { name: 'Make the gallery' }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

export async function enrol(page, url, gallery, name, photos) {
  await page.goto(`${url}/#/galleries`); // the enrolment may be open already, with photos in it
  await page.getByRole('heading', { level: 1, name: 'Galleries' }).waitFor();
  await page.goto(`${url}/#/enrol?gallery=${gallery}`);
  await page.getByRole('heading', { level: 1, name: 'Enrol' }).waitFor();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Photos to enrol').locator('input').setInputFiles(photos);
  await page.getByRole('button', { name: /^Enrol \d+ photo/ }).click();
}

/** Two photos of one man, and the answer. */
export async function compare_portraits(page) {
  for (const [label, name] of [
    ['First photo', 'obama2.jpg'],
    ['Second photo', 'obama3.jpg'],
  ])
    await page
      .getByLabel(label)
      .locator('input')
      .setInputFiles([portrait(name)]);
  await page.getByText('The same person', { exact: true }).waitFor();
  await page
    .getByRole('img', { name: 'Second photo: obama3.jpg, the compared face marked' })
    .waitFor();
}

export function drop(page, label, photos) {
  return page.getByRole('group', { name: label }).evaluate((zone, files) => {
    const moved = new DataTransfer();
    for (const file of files) {
      const bytes = Uint8Array.from(atob(file.base64), (letter) => letter.charCodeAt(0));
      moved.items.add(new File([bytes], file.name, { type: file.mimeType }));
    }
    zone.dispatchEvent(
      new DragEvent('dragover', { dataTransfer: moved, bubbles: true, cancelable: true }),
    );
    zone.dispatchEvent(
      new DragEvent('drop', { dataTransfer: moved, bubbles: true, cancelable: true }),
    );
  }, encoded(photos));
}

export function paste(page, photos) {
  return page.evaluate((files) => {
    const pasted = new DataTransfer();
    for (const file of files)
      pasted.items.add(
        new File(
          [Uint8Array.from(atob(file.base64), (letter) => letter.charCodeAt(0))],
          file.name,
          { type: file.mimeType },
        ),
      );
    document.dispatchEvent(
      new ClipboardEvent('paste', { clipboardData: pasted, bubbles: true, cancelable: true }),
    );
  }, encoded(photos));
}

function encoded(photos) {
  return photos.map(({ name, mimeType, buffer }) => ({
    name,
    mimeType,
    base64: buffer.toString('base64'),
  }));
}

export async function text_of(locator) {
  return (await locator.innerText()).replace(/\s+/g, ' ');
}
