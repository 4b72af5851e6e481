import { ask_json, ask_text, is_abort } from '../api/client';
import type { Engine, Model } from '../api/types';
import { type Child, fill, h, svg } from '../dom';
import { bytes, count, duration, whole } from '../facts/format';
import {
  type Family,
  type Histogram,
  histograms,
  parse_metrics,
  quantile,
  total,
} from '../facts/metrics';
import { notice, problem_notice } from '../parts/notice';
import { facts_list, table_of } from '../parts/table';
import type { Place, View } from './view';

const kEveryMs = 5000;
type Metrics = Map<string, Family>;

function card(title: string, value: string, hint: string): HTMLElement {
  return h(
    'div',
    { class: 'card figure' },
    h('p', { class: 'hint' }, title),
    h('p', { class: 'big' }, value),
    h('p', { class: 'hint' }, hint),
  );
}

function figures_table(caption: string, heads: string[], rows: Child[][]): HTMLElement {
  return rows.length === 0
    ? h('p', { class: 'muted' }, 'Nothing yet.')
    : table_of(caption, heads, rows);
}

interface Seen {
  at_ms: number;
  requests: number;
}

function figures(metrics: Metrics, before: Seen | null, now: Seen): HTMLElement {
  const value = (name: string): number => total(metrics.get(name));
  const rate = before
    ? (now.requests - before.requests) / Math.max(0.001, (now.at_ms - before.at_ms) / 1000)
    : null;
  const failed = (metrics.get('visavis_requests_total')?.samples ?? [])
    .filter((sample) => (sample.labels.status ?? '') >= '500')
    .reduce((sum, sample) => sum + sample.value, 0);
  const stages = histograms(metrics.get('visavis_stage_seconds'));
  const photos = stages.find((one) => one.labels.stage === 'decode')?.count ?? 0;
  const work = stages
    .filter((one) => one.labels.stage !== 'wait')
    .reduce((sum, one) => sum + one.sum, 0);
  return h(
    'div',
    { class: 'figures' },
    card(
      'Requests',
      whole(now.requests),
      rate === null
        ? `${whole(failed)} failed`
        : `${rate.toFixed(1)} per second, ${whole(failed)} failed`,
    ),
    card(
      'In work',
      whole(value('visavis_requests_now')),
      count(value('visavis_connections'), 'open connection'),
    ),
    card(
      'Queue',
      whole(value('visavis_queue_photos')),
      `at most ${whole(value('visavis_queue_photos_max'))} so far, ${whole(value('visavis_queue_refused_total'))} turned away`,
    ),
    card(
      'Photos',
      whole(photos),
      photos > 0 ? `${duration(work / photos)} of work each` : 'none yet',
    ),
    card('Memory', bytes(value('process_resident_memory_bytes')), 'resident'),
  );
}

function latency_rows(metrics: Metrics): Child[][] {
  return histograms(metrics.get('visavis_request_seconds'))
    .filter((one) => one.count > 0)
    .sort((a, b) => b.count - a.count)
    .map((one) => [
      h('code', null, one.labels.route ?? 'all'),
      whole(one.count),
      duration(one.sum / one.count),
      duration(quantile(one, 0.5)),
      duration(quantile(one, 0.95)),
      duration(quantile(one, 0.99)),
    ]);
}

/** How many passes through the networks took how many photos; the buckets are cumulative. */
function batch_chart(histogram: Histogram | undefined): HTMLElement {
  if (!histogram || histogram.count === 0) return h('p', { class: 'muted' }, 'No batch yet.');
  const bars = histogram.buckets
    .map((bucket, i) => ({
      label: Number.isFinite(bucket.bound) ? whole(bucket.bound) : 'more',
      value: bucket.count - (histogram.buckets[i - 1]?.count ?? 0),
    }))
    .filter((bar, i, all) => bar.value > 0 || (bar.label !== 'more' && i < all.length));
  const most = Math.max(...bars.map((bar) => bar.value), 1);
  return h(
    'dl',
    { class: 'bars' },
    bars.map((bar) =>
      h(
        'div',
        null,
        h('dt', null, bar.label === 'more' ? 'more' : `up to ${bar.label}`),
        h(
          'dd',
          null,
          svg(
            'svg',
            {
              viewBox: '0 0 100 8',
              preserveAspectRatio: 'none',
              class: 'bar',
              'aria-hidden': 'true',
            },
            svg('rect', { class: 'bar-value', width: (bar.value / most) * 100, height: 8, rx: 1 }),
          ),
          h('span', null, whole(bar.value)),
        ),
      ),
    ),
  );
}

function status_rows(metrics: Metrics): Child[][] {
  const by_status = new Map<string, number>();
  for (const sample of metrics.get('visavis_requests_total')?.samples ?? []) {
    const status = sample.labels.status ?? '?';
    by_status.set(status, (by_status.get(status) ?? 0) + sample.value);
  }
  return [...by_status].sort().map(([status, value]) => [status, whole(value)]);
}

function refusal_rows(metrics: Metrics): Child[][] {
  return (metrics.get('visavis_refusals_total')?.samples ?? []).map((sample) => [
    h('code', null, sample.labels.reason ?? '?'),
    whole(sample.value),
  ]);
}

function gallery_rows(metrics: Metrics): Child[][] {
  const faces = new Map(
    (metrics.get('visavis_gallery_faces')?.samples ?? []).map((sample) => [
      JSON.stringify(sample.labels),
      sample.value,
    ]),
  );
  return (metrics.get('visavis_gallery_persons')?.samples ?? []).map((sample) => [
    sample.labels.gallery ?? '?',
    sample.labels.tenant ?? '',
    whole(sample.value),
    whole(faces.get(JSON.stringify(sample.labels)) ?? 0),
  ]);
}

function running(metrics: Metrics): HTMLElement | null {
  const labels = metrics.get('visavis_engine_info')?.samples[0]?.labels;
  if (!labels) return null;
  return facts_list(Object.entries(labels));
}

function draw_metrics(place: HTMLElement, metrics: Metrics, before: Seen | null, now: Seen): void {
  fill(
    place,
    figures(metrics, before, now),
    h(
      'section',
      { class: 'card stack' },
      h('h2', null, 'What runs'),
      running(metrics) ?? h('p', { class: 'muted' }, 'The server is still warming up.'),
    ),
    h(
      'section',
      { class: 'card stack' },
      h('h2', null, 'Latency by route'),
      figures_table(
        'Latency by route',
        ['Route', 'Requests', 'Mean', 'Median', '95 %', '99 %'],
        latency_rows(metrics),
      ),
    ),
    h(
      'div',
      { class: 'columns' },
      h(
        'section',
        { class: 'card stack' },
        h('h2', null, 'Photos per batch'),
        batch_chart(histograms(metrics.get('visavis_batch_photos'))[0]),
      ),
      h(
        'section',
        { class: 'card stack' },
        h('h2', null, 'Answers by status'),
        figures_table('Answers by status', ['Status', 'Answers'], status_rows(metrics)),
      ),
      h(
        'section',
        { class: 'card stack' },
        h('h2', null, 'Refused photos'),
        figures_table('Refused photos', ['Reason', 'Photos'], refusal_rows(metrics)),
      ),
    ),
    h(
      'section',
      { class: 'card stack' },
      h('h2', null, 'Open galleries'),
      figures_table(
        'Open galleries',
        ['Gallery', 'Tenant', 'People', 'Faces'],
        gallery_rows(metrics),
      ),
    ),
  );
}

function models_section(models: Model[]): HTMLElement {
  const rows = models.map((model): Child[] => [
    h('div', null, model.title, h('p', { class: 'hint' }, model.id)),
    model.role,
    model.weights_licence,
    model.training_data,
    model.fetched ? 'here' : h('span', { class: 'muted' }, 'not fetched'),
  ]);
  return h(
    'section',
    { class: 'card stack' },
    h('h2', null, 'Models and their licences'),
    figures_table(
      'Models',
      ['Model', 'Role', 'Licence of the weights', 'Trained on', 'Files'],
      rows,
    ),
  );
}

function engines_section(engines: Engine[]): HTMLElement {
  const rows = engines.map((engine): Child[] => [
    engine.name,
    engine.usable ? h('span', { class: 'good-text' }, 'can run') : (engine.reason ?? 'cannot run'),
    engine.version ?? '',
  ]);
  return h(
    'section',
    { class: 'card stack' },
    h('h2', null, 'Engines'),
    figures_table('Engines', ['Engine', 'State', 'Version'], rows),
  );
}

export const show_server: View = async ({ main, signal }: Place) => {
  const live = h('div', { class: 'stack' });
  const fixed = h('div', { class: 'stack' });
  const problems = h('div');
  let before: Seen | null = null;
  const refresh = async (): Promise<void> => {
    try {
      const metrics = parse_metrics(await ask_text('/metrics', { signal }));
      const now = { at_ms: Date.now(), requests: total(metrics.get('visavis_requests_total')) };
      // A table that somebody is reading or has the focus in is not exchanged under them.
      if (live.contains(document.activeElement)) return;
      draw_metrics(live, metrics, before, now);
      before = now;
      fill(problems);
    } catch (error) {
      if (!is_abort(error)) fill(problems, problem_notice(error));
    }
  };
  await refresh();
  const automatic = h('input', { type: 'checkbox', id: 'refresh', checked: true });
  const timer = setInterval(() => {
    if (automatic.checked && document.visibilityState === 'visible') void refresh();
  }, kEveryMs);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  fill(
    main,
    h(
      'div',
      { class: 'head' },
      h('h1', { tabindex: -1 }, 'Server'),
      h(
        'div',
        { class: 'field check' },
        automatic,
        h('label', { for: 'refresh' }, 'Every 5 seconds anew'),
      ),
    ),
    problems,
    live,
    fixed,
  );
  const [models, engines] = await Promise.allSettled([
    ask_json<{ models: Model[] }>('/v1/models', { signal }),
    ask_json<{ engines: Engine[] }>('/v1/engines', { signal }),
  ]);
  fill(
    fixed,
    models.status === 'fulfilled'
      ? models_section(models.value.models)
      : notice('warn', 'The models cannot be listed'),
    engines.status === 'fulfilled'
      ? engines_section(engines.value.engines)
      : notice('warn', 'The engines cannot be listed'),
  );
};
