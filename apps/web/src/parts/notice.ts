import { ApiError } from '../api/client';
import { type Child, fill, h } from '../dom';
import { advice } from '../facts/reasons';
import { icon } from './icon';

type Tone = 'info' | 'good' | 'warn' | 'bad';

export function notice(tone: Tone, title: string, ...more: Child[]): HTMLElement {
  return h(
    'div',
    { class: `notice ${tone}` },
    icon(tone === 'good' ? 'check' : 'warn'),
    h('div', null, h('p', { class: 'notice-title' }, title), more),
  );
}

/** What went wrong and what to do, spoken at once by a screen reader. */
export function problem_notice(error: unknown, again?: () => void): HTMLElement {
  const known = error instanceof ApiError ? error : null;
  const title = known?.title ?? 'Something went wrong in this page';
  const detail = known ? known.detail : error instanceof Error ? error.message : String(error);
  const box = notice(
    'bad',
    title,
    detail && detail !== title ? h('p', null, detail) : null,
    known && advice(known.code) ? h('p', null, advice(known.code)) : null,
    again ? h('button', { type: 'button', click: again }, 'Try again') : null,
  );
  box.setAttribute('role', 'alert');
  return box;
}

export function empty_state(title: string, text: string, ...actions: Child[]): HTMLElement {
  return h(
    'div',
    { class: 'empty' },
    h('p', { class: 'empty-title' }, title),
    h('p', { class: 'muted' }, text),
    actions.length > 0 ? h('div', { class: 'actions' }, actions) : null,
  );
}

export function loading(what: string): HTMLElement {
  return h(
    'p',
    { class: 'loading muted', role: 'status' },
    h('span', { class: 'spinner', 'aria-hidden': 'true' }),
    `${what} …`,
  );
}

let live: HTMLElement | null = null;
let toast: HTMLElement | null = null;
let timer = 0;

export function live_regions(): HTMLElement {
  live = h('div', { class: 'hidden-text', 'aria-live': 'polite', id: 'live' });
  toast = h('div', { class: 'toast', 'aria-hidden': 'true', hidden: true });
  return h('div', null, live, toast);
}

/** For screen readers alone: progress and answers that are seen anyway. */
export function announce(text: string): void {
  if (live) live.textContent = text;
}

/** A short word that something was done, seen and heard. */
export function done(text: string): void {
  announce(text);
  if (!toast) return;
  fill(toast, icon('check'), text);
  toast.hidden = false;
  clearTimeout(timer);
  timer = window.setTimeout(() => toast && (toast.hidden = true), 4000);
}
