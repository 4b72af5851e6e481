import { ask_json, is_abort, path, type Step } from '../api/client';
import type { Job, JobDetails, JobOutcome } from '../api/types';
import { type Child, fill, h } from '../dom';
import { count, moment, whole } from '../facts/format';
import { advice } from '../facts/reasons';
import { select_field, text_field } from '../parts/fields';
import { gallery_picker, no_gallery } from '../parts/gallery_picker';
import { done, empty_state, problem_notice } from '../parts/notice';
import { step_words } from '../parts/step';
import { table_of } from '../parts/table';
import { galleries } from '../session';
import type { Place, View } from './view';

const kAskAgainMs = 1500;
const kPage = 200;

function has_ended(job: Job): boolean {
  return job.ended !== null;
}

function state_words(job: Job): string {
  if (job.cancelling) return 'being cancelled';
  const words: Record<Job['state'], string> = {
    queued: 'waits for its turn',
    running: 'running',
    done: 'done',
    failed: 'failed',
    cancelled: 'cancelled',
  };
  return words[job.state];
}

/** "12 of 40 photos: 10 enrolled, 1 refused, 1 unreadable; 14 a second" */
function progress_words(job: Job): string {
  const all = job.total === null ? whole(job.done) : `${whole(job.done)} of ${whole(job.total)}`;
  const rate = job.per_second === null ? '' : `; ${job.per_second.toFixed(1)} a second`;
  return `${all} photos: ${whole(job.succeeded)} enrolled, ${whole(job.refused)} refused, ${whole(job.failed)} unreadable${rate}`;
}

function outcome_cells(one: JobOutcome): Child[] {
  return [one.path, one.message ?? '', advice(one.reason ?? '')];
}

/** Photos that were not enrolled: refused ones first, each kind by the server's pages. */
function left_out(job: string, signal: AbortSignal): { element: HTMLElement; load: () => void } {
  const element = h('div', { class: 'stack' });
  const found: JobOutcome[] = [];
  const kinds = ['refused', 'failed'];
  let cursor: string | null = null;
  const read = async (): Promise<void> => {
    for (let room = kPage; room > 0 && kinds.length > 0; ) {
      const page: JobDetails = await ask_json(path`/v1/jobs/${job}`, {
        query: { result: kinds[0], cursor, limit: room },
        signal,
      });
      found.push(...page.outcomes);
      room -= page.outcomes.length;
      cursor = page.next;
      if (cursor === null) kinds.shift();
    }
    const more = h('button', { type: 'button', click: load }, 'More');
    fill(
      element,
      table_of(
        'Photos that were not enrolled',
        ['File', 'Why', 'What helps'],
        found.map(outcome_cells),
      ),
      kinds.length > 0 ? h('div', { class: 'actions' }, more) : null,
    );
  };
  const load = (): void => {
    read().catch((error: unknown) => {
      if (!is_abort(error)) fill(element, problem_notice(error, load));
    });
  };
  return { element, load };
}

interface Card {
  element: HTMLElement;
  update: (job: Job) => void;
}

/** One job; what is told of it changes in place, so that the focus stays where it is. */
function card_of(first: Job, signal: AbortSignal, changed: () => void): Card {
  let job = first;
  const bar = h('progress', { 'aria-label': `Progress of the import into ${job.gallery ?? ''}` });
  const words = h('p');
  const state = h('span', { class: 'hint' });
  const problems = h('div');
  const reasons = left_out(job.job, signal);
  const details = h(
    'details',
    {
      hidden: true,
      toggle: () => {
        if (details.open && reasons.element.childElementCount === 0) reasons.load();
      },
    },
    h('summary', null, 'Photos that were not enrolled'),
    reasons.element,
  );
  const end = h('button', { type: 'button', class: 'writes' });
  end.addEventListener('click', () => {
    const was_over = has_ended(job);
    end.disabled = true;
    fill(problems);
    ask_json(path`/v1/jobs/${job.job}`, { method: 'DELETE', signal })
      .then(() => {
        done(was_over ? 'The import is off the list.' : 'The import ends. Who is enrolled stays.');
        changed();
      })
      .catch((error: unknown) => {
        if (!is_abort(error)) fill(problems, problem_notice(error));
      })
      .finally(() => (end.disabled = false));
  });
  const update = (now: Job): void => {
    if (has_ended(now) && !has_ended(job))
      done(`The import into ${now.gallery ?? ''} is ${state_words(now)}. ${progress_words(now)}.`);
    job = now;
    bar.max = Math.max(job.total ?? 1, 1);
    bar.value = job.done;
    bar.hidden = has_ended(job);
    fill(words, progress_words(job));
    fill(state, `${moment(job.created)} · ${state_words(job)}`);
    if (job.message) fill(problems, h('p', { class: 'bad-text' }, job.message));
    details.hidden = !has_ended(job) || job.refused + job.failed === 0;
    fill(end, has_ended(job) ? 'Take off the list' : 'Cancel');
    end.setAttribute(
      'aria-label',
      `${has_ended(job) ? 'Take off the list' : 'Cancel'}: import into ${job.gallery ?? ''}`,
    );
  };
  update(first);
  const element = h(
    'li',
    { class: 'card stack' },
    h('div', { class: 'head' }, h('h3', null, `Into ${job.gallery ?? ''}`), end),
    state,
    bar,
    words,
    problems,
    details,
  );
  return { element, update };
}

/** The tenant's jobs, asked for again as long as one of them has not ended. */
function job_list(signal: AbortSignal): { element: HTMLElement; again: () => void } {
  const place = h('div');
  const list = h('ul', { class: 'stack plain', 'aria-label': 'Imports' });
  const cards = new Map<string, Card>();
  let timer = 0;
  const draw = (jobs: Job[]): void => {
    const there = new Set(jobs.map((job) => job.job));
    for (const [id, card] of cards)
      if (!there.has(id)) {
        card.element.remove();
        cards.delete(id);
      }
    for (const job of [...jobs].reverse()) {
      const known = cards.get(job.job);
      if (known) known.update(job);
      else {
        const card = card_of(job, signal, again);
        cards.set(job.job, card);
        list.prepend(card.element);
      }
    }
    const empty = empty_state('No imports yet', 'What is imported is listed here for a week.');
    if (jobs.length === 0) fill(place, empty);
    else if (!list.isConnected) fill(place, list);
  };
  const ask = async (): Promise<void> => {
    clearTimeout(timer);
    try {
      const { jobs } = await ask_json<{ jobs: Job[] }>('/v1/jobs', { signal });
      draw(jobs);
      if (jobs.some((job) => !has_ended(job)))
        timer = window.setTimeout(() => void ask(), kAskAgainMs);
    } catch (error) {
      if (!is_abort(error)) fill(place, problem_notice(error, again));
    }
  };
  const again = (): void => void ask();
  signal.addEventListener('abort', () => clearTimeout(timer));
  again();
  return { element: place, again };
}

export const show_imports: View = async ({ main, route, session, signal }: Place) => {
  const all = await galleries(signal);
  const heading = h('h1', { tabindex: -1 }, 'Import');
  if (all.length === 0) return fill(main, heading, no_gallery(session.admin));
  const gallery = gallery_picker(all, route, () => {});
  const file = text_field(
    'Zip archive',
    { type: 'file', accept: '.zip,application/zip', required: true },
    'With a folder for each person, named by the person. A folder around all of them does no harm.',
  );
  const several = select_field(
    'Photos of several people',
    [
      ['', 'Refuse them, unless one face is much larger'],
      ['largest', 'Take the largest face'],
    ],
    '',
  );
  const basis = text_field(
    'Basis of consent',
    { maxlength: 1024 },
    'Noted for everybody of whom a face is enrolled. Empty: nothing is noted.',
  );
  const status = h('p', { role: 'status', class: 'hint' });
  const problems = h('div');
  const action = h('button', { type: 'submit', class: 'primary' }, 'Import the archive');
  const jobs = job_list(signal);
  const send = async (archive: File): Promise<void> => {
    action.disabled = true;
    fill(problems);
    try {
      await ask_json<Job>(path`/v1/galleries/${gallery.input.value}/import`, {
        method: 'POST',
        query: { select: several.input.value || null, consent_basis: basis.input.value || null },
        body: archive,
        type: 'application/zip',
        signal,
        on_step: (step: Step) => fill(status, step_words(step)),
      });
      file.input.value = '';
      fill(status, 'The archive has arrived; its photos are looked at one after the other.');
      jobs.again();
    } catch (error) {
      fill(status);
      if (!is_abort(error)) fill(problems, problem_notice(error));
    } finally {
      action.disabled = false;
    }
  };
  const form = h(
    'form',
    {
      class: 'card stack',
      'aria-label': 'New import',
      submit: (event: Event) => {
        event.preventDefault();
        const archive = file.input.files?.[0];
        if (archive) void send(archive);
      },
    },
    h('div', { class: 'columns' }, gallery.row, file.row),
    h('div', { class: 'columns' }, several.row, basis.row),
    problems,
    h('div', { class: 'actions' }, action, status),
  );
  fill(
    main,
    heading,
    h(
      'p',
      { class: 'lead' },
      `Many photos at once. The import goes on when this page is closed; ${count(all.length, 'gallery', 'galleries')} to choose from.`,
    ),
    form,
    h('h2', null, 'Imports'),
    jobs.element,
  );
};
