/** When a refused request is worth trying again, and how long to wait before. */

export const kMaxTries = 6;
const kLongestWaitMs = 120_000;

/** Retry-After is a number of seconds or a date (RFC 9110, section 10.2.3); null for what is neither. */
export function parse_retry_after(value: string | null, now_ms: number): number | null {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  if (!/[a-z]/i.test(text)) return null; // Date.parse would take "-5" for a year
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now_ms);
}

/**
 * Milliseconds to wait before try number `tries + 1`, or null to give up. The server refused 429 and 503 before it
 * did anything, so that these may be repeated whatever the method; its own word comes first, else 1, 2, 4 … s.
 */
export function retry_delay_ms(
  status: number,
  retry_after: string | null,
  tries: number,
  now_ms: number,
): number | null {
  if (status !== 429 && status !== 503) return null;
  if (tries >= kMaxTries) return null;
  const told = parse_retry_after(retry_after, now_ms);
  if (told !== null && told > kLongestWaitMs) return null;
  return told ?? 1000 * 2 ** (tries - 1);
}
