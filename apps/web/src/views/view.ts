import { is_abort } from '../api/client';
import { problem_notice } from '../parts/notice';
import type { Route } from '../router';
import type { Session } from '../session';

/** Where a view draws itself; the signal ends all that it started once another view is shown. */
export interface Place {
  main: HTMLElement;
  route: Route;
  session: Session;
  signal: AbortSignal;
}
export type View = (place: Place) => Promise<void> | void;

/** Draws a view anew after a change; a view that was left meanwhile stays left. */
export function drawn_again(place: Place, draw: () => Promise<void>): () => void {
  const again = (): void => {
    draw().catch((error: unknown) => {
      if (!is_abort(error)) place.main.prepend(problem_notice(error, again));
    });
  };
  return again;
}
