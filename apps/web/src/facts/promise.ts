import type { Promised } from '../api/types';
import { whole } from './format';

/** '1 in 1,000', '3 in 1,000', '15 in 100': the rate with the smallest round denominator that keeps it. */
export function rate_words(rate: number): string {
  if (!(rate > 0 && rate < 1)) return `${rate}`;
  const one_in = 1 / rate;
  if (Math.abs(one_in - Math.round(one_in)) < 1e-6 * one_in)
    return `1 in ${whole(Math.round(one_in))}`;
  for (let of = 100; of <= 1e9; of *= 10) {
    const cases = rate * of;
    if (cases >= 1 && Math.abs(cases - Math.round(cases)) < 0.005 * cases)
      return `${whole(Math.round(cases))} in ${whole(of)}`;
  }
  return `1 in ${whole(Math.round(one_in))}`;
}

/** What the threshold promises, for somebody who has never heard of a false accept rate. */
export function promise_words(promise: Promised | null): string {
  if (!promise) return 'This threshold was set by hand. Nobody has measured how often it is wrong.';
  const rate = rate_words(promise.value);
  if (promise.kind === 'far')
    return `At most ${rate} comparisons of two different people would call them the same person.`;
  const among =
    promise.gallery_size === undefined
      ? ''
      : ` among ${whole(promise.gallery_size)} ${promise.gallery_size === 1 ? 'person' : 'people'}`;
  const words = `At most ${rate} strangers who are searched for${among} would wrongly be given a name.`;
  return promise.extrapolated
    ? `${words} No gallery of this size was measured: the figure is extrapolated.`
    : words;
}

export const kMeasuredOnOthers =
  'Measured on the photographs of the calibration; with other cameras or people it can be worse. A match is a lead for a person to check, not a proof.';
