// The page's own reckoning, without a browser.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { pathToFileURL } from 'node:url';

const kWeb = fileURLToPath(new URL('../../apps/web/', import.meta.url));
let vite;
const load = (module) => vite.ssrLoadModule(`/src/${module}`);

before(async () => {
  const { createServer } = await import(
    pathToFileURL(createRequire(`${kWeb}package.json`).resolve('vite')).href
  );
  vite = await createServer({
    root: kWeb,
    logLevel: 'error',
    server: { middlewareMode: true, ws: false, hmr: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  });
});
after(() => vite.close());

test('metrics: labels, escapes, types and special values are read', async () => {
  const { parse_metrics, total } = await load('facts/metrics.ts');
  // The example of Prometheus's "Text-based format", shortened.
  const metrics = parse_metrics(`# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
not a line at all {`);
  assert.equal(total(metrics.get('http_requests_total')), 1030);
  assert.equal(metrics.get('http_requests_total').type, 'counter');
  assert.deepEqual(metrics.get('msdos_file_access_time_seconds').samples[0].labels, {
    path: 'C:\\DIR\\FILE.TXT',
    error: 'Cannot find file:\n"FILE.TXT"',
  });
  assert.equal(metrics.get('metric_without_timestamp_and_labels').samples[0].value, 12.47);
  assert.equal(metrics.get('something_weird').samples[0].value, Infinity);
  assert.equal(total(metrics.get('absent')), 0);
});

test('metrics: quantiles as histogram_quantile reckons them', async () => {
  const { parse_metrics, histograms, quantile } = await load('facts/metrics.ts');
  const text = `# TYPE t histogram
t_bucket{le="1"} 10
t_bucket{le="2"} 30
t_bucket{le="4"} 40
t_bucket{le="+Inf"} 50
t_sum 90
t_count 50
`;
  const [one] = histograms(parse_metrics(text).get('t'));
  assert.equal(one.count, 50);
  assert.equal(one.sum, 90);
  // Rank 25 of 50: 15 of the 20 observations of (1, 2] are below it.
  assert.equal(quantile(one, 0.5), 1.75);
  assert.equal(quantile(one, 0.1), 0.5);
  // Beyond the last finite bound, that bound.
  assert.equal(quantile(one, 0.99), 4);
  assert.ok(Number.isNaN(quantile({ labels: {}, count: 0, sum: 0, buckets: [] }, 0.5)));
});

test('promise: rates become words', async () => {
  const { rate_words, promise_words } = await load('facts/promise.ts');
  assert.equal(rate_words(0.001), '1 in 1,000');
  assert.equal(rate_words(1e-6), '1 in 1,000,000');
  assert.equal(rate_words(0.5), '1 in 2');
  assert.equal(rate_words(0.003), '3 in 1,000');
  assert.equal(rate_words(0.15), '15 in 100');
  assert.match(
    promise_words({ kind: 'far', value: 0.001 }),
    /^At most 1 in 1,000 comparisons of two different people/,
  );
  assert.match(
    promise_words({ kind: 'fpir', value: 0.01, gallery_size: 1000 }),
    /^At most 1 in 100 strangers who are searched for among 1,000 people/,
  );
  assert.match(
    promise_words({ kind: 'fpir', value: 0.01, gallery_size: 1e6, extrapolated: true }),
    /extrapolated/,
  );
  assert.match(promise_words(null), /Nobody has measured/);
});

test('retry: Retry-After in seconds or as a date, else doubling, then giving up', async () => {
  const { parse_retry_after, retry_delay_ms, kMaxTries } = await load('api/retry.ts');
  const now = Date.parse('1994-11-06T08:49:30Z');
  assert.equal(parse_retry_after('3', now), 3000);
  assert.equal(parse_retry_after('Sun, 06 Nov 1994 08:49:37 GMT', now), 7000);
  assert.equal(parse_retry_after('Sun, 06 Nov 1994 08:49:00 GMT', now), 0);
  for (const none of [null, '', '-5', 'soon', '1.5'])
    assert.equal(parse_retry_after(none, now), null, String(none));
  assert.equal(retry_delay_ms(429, '2', 1, now), 2000);
  assert.deepEqual(
    [1, 2, 3].map((tries) => retry_delay_ms(503, null, tries, now)),
    [1000, 2000, 4000],
  );
  assert.equal(retry_delay_ms(503, null, kMaxTries, now), null);
  assert.equal(retry_delay_ms(503, '86400', 1, now), null);
  for (const status of [200, 400, 401, 422, 500])
    assert.equal(retry_delay_ms(status, '1', 1, now), null);
});

test('queue: never more at once than its width, in order, and aborted jobs never start', async () => {
  const { Queue } = await load('api/queue.ts');
  const queue = new Queue(2);
  let running = 0;
  let most = 0;
  const order = [];
  const job = (n) => async () => {
    most = Math.max(most, ++running);
    order.push(n);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    if (n === 2) throw new Error('two');
    return n;
  };
  const gone = new AbortController();
  gone.abort(new Error('gone'));
  const all = await Promise.allSettled([
    queue.add(job(1)),
    queue.add(job(2)),
    queue.add(job(3)),
    queue.add(job(4), gone.signal),
    queue.add(job(5)),
  ]);
  assert.deepEqual(
    all.map((one) => one.value ?? one.reason.message),
    [1, 'two', 3, 'gone', 5],
  );
  assert.deepEqual(order, [1, 2, 3, 5]);
  assert.equal(most, 2);
});

test('routes: parts and queries come back as they went in', async () => {
  const { link, parse_route } = await load('router.ts');
  const route = parse_route(link`#/galleries/${'a b'}/persons/${'x/y?z#1%'}?tab=1`);
  assert.deepEqual(route.parts, ['galleries', 'a b', 'persons', 'x/y?z#1%']);
  assert.equal(route.query.get('tab'), '1');
  assert.deepEqual(parse_route('').parts, []);
  assert.deepEqual(parse_route('#/%zz').parts, ['%zz']);
});

test('names, sizes and times as people read them', async () => {
  const { name_from_file } = await load('facts/names.ts');
  assert.equal(name_from_file('ada_lovelace-02.jpg'), 'ada lovelace');
  assert.equal(name_from_file('Grace Hopper (3).png'), 'Grace Hopper');
  assert.equal(name_from_file('007.jpg'), '007');
  const { bytes, duration, date, count, percent } = await load('facts/format.ts');
  assert.equal(bytes(1536), '1.5 KiB');
  assert.equal(bytes(412_000_256), '393 MiB');
  assert.equal(duration(0.0123), '12 ms');
  assert.equal(duration(2.5), '2.50 s');
  assert.equal(date(0), '1970-01-01');
  assert.equal(count(1, 'face'), '1 face');
  assert.equal(percent(0.855), '86 %');
});

test('quality: what speaks against a face is said, what is unknown is not', async () => {
  const { quality_remarks, advice } = await load('facts/reasons.ts');
  const unknown = {
    eye_distance_px: null,
    yaw_deg: null,
    pitch_deg: null,
    roll_deg: null,
    sharpness: null,
    contrast: null,
    exposure: null,
    norm: null,
  };
  assert.deepEqual(quality_remarks(unknown), []);
  assert.deepEqual(quality_remarks({ ...unknown, eye_distance_px: 14, yaw_deg: -52 }), [
    'small: 14 px between the eyes',
    'turned sideways by 52°',
  ]);
  for (const reason of ['no_face', 'many_faces', 'low_quality', 'duplicate', 'expired'])
    assert.notEqual(advice(reason), '');
});
