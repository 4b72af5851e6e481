/** The text that Prometheus reads (exposition format 0.0.4), and what can be told from it. */

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}
export interface Family {
  name: string;
  type: string;
  help: string;
  samples: Sample[];
}

const kEscapes: Record<string, string> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

function unescape(text: string): string {
  return text.replace(/\\[\\"n]/g, (found) => kEscapes[found] ?? found);
}

function parse_number(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

function parse_sample(line: string): Sample | null {
  const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/.exec(line);
  if (!found) return null;
  const [, name = '', labels = '', value = ''] = found;
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)];
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, label = '', text = '']) => [label, unescape(text)])),
    value: parse_number(value),
  };
}

function family_of(name: string, families: Map<string, Family>): Family {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  const known = families.get(name) ?? families.get(base);
  if (known) return known;
  const made: Family = { name, type: 'untyped', help: '', samples: [] };
  families.set(name, made);
  return made;
}

/** Lines that are not understood are left out. */
export function parse_metrics(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  const declared = (name: string): Family => {
    const family = families.get(name) ?? { name, type: 'untyped', help: '', samples: [] };
    families.set(name, family);
    return family;
  };
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const note = /^#\s+(HELP|TYPE)\s+(\S+)\s*(.*)$/.exec(line);
    if (note) {
      const family = declared(note[2] ?? '');
      if (note[1] === 'HELP') family.help = note[3] ?? '';
      else family.type = note[3] ?? 'untyped';
      continue;
    }
    if (line === '' || line.startsWith('#')) continue;
    const sample = parse_sample(line);
    if (sample) family_of(sample.name, families).samples.push(sample);
  }
  return families;
}

export function total(family: Family | undefined): number {
  return (family?.samples ?? []).reduce((sum, sample) => sum + sample.value, 0);
}

export interface Histogram {
  labels: Record<string, string>;
  count: number;
  sum: number;
  /** Upper bounds, increasing, and how many observations are at most each. */
  buckets: { bound: number; count: number }[];
}

/** One for each set of labels, in the order of the text. */
export function histograms(family: Family | undefined): Histogram[] {
  const found = new Map<string, Histogram>();
  for (const sample of family?.samples ?? []) {
    const { le, ...labels } = sample.labels;
    const key = JSON.stringify(Object.entries(labels).sort());
    const one = found.get(key) ?? { labels, count: 0, sum: 0, buckets: [] };
    found.set(key, one);
    if (le !== undefined) one.buckets.push({ bound: parse_number(le), count: sample.value });
    else if (sample.name.endsWith('_sum')) one.sum = sample.value;
    else if (sample.name.endsWith('_count')) one.count = sample.value;
  }
  for (const one of found.values()) one.buckets.sort((a, b) => a.bound - b.bound);
  return [...found.values()];
}

/**
 * As Prometheus's histogram_quantile: linear within a bucket, the lowest bucket from 0 on, the last finite bound for
 * what is beyond it. NaN without observations.
 */
export function quantile(histogram: Histogram, q: number): number {
  const all = histogram.buckets.at(-1)?.count ?? 0;
  if (all === 0) return NaN;
  const rank = q * all;
  let below = { bound: 0, count: 0 };
  for (const bucket of histogram.buckets) {
    if (bucket.count >= rank && bucket.count > below.count) {
      if (!Number.isFinite(bucket.bound)) return below.bound;
      const within = (rank - below.count) / (bucket.count - below.count);
      return below.bound + (bucket.bound - below.bound) * within;
    }
    below = bucket;
  }
  return below.bound;
}
