/** Numbers, times and sizes as text. English, like the page. */

const kWhole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function whole(value: number): string {
  return kWhole.format(value);
}
export function count(value: number, one: string, many = `${one}s`): string {
  return `${whole(value)} ${value === 1 ? one : many}`;
}
export function score(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}
export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}
export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = value / 1024;
  let unit = 0;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${scaled.toFixed(scaled < 10 ? 1 : 0)} ${units[unit]}`;
}
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 0.001) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
}

/** Seconds since 1970 as 2026-11-27, in UTC like the server's own dates. */
export function date(seconds: number | null): string {
  return seconds === null ? '' : new Date(seconds * 1000).toISOString().slice(0, 10);
}
export function moment(seconds: number | null): string {
  return seconds === null
    ? ''
    : `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
/** An RFC 3339 time as moment() writes it; what is none stays as it is. */
export function moment_of(text: string): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : moment(ms / 1000);
}
