import { ask_json, is_abort } from '../api/client';
import type { AuditEntry } from '../api/types';
import { fill, h } from '../dom';
import { moment_of } from '../facts/format';
import { empty_state, problem_notice } from '../parts/notice';
import { nothing, table, table_row } from '../parts/table';
import type { Place, View } from './view';

const kHeads = ['Time', 'What', 'To whom', 'Key', 'Outcome', 'Request'];

function row(entry: AuditEntry): HTMLTableRowElement {
  const whom = [entry.gallery, entry.person, entry.face].filter(Boolean).join(' / ');
  return table_row(kHeads, [
    h('time', { datetime: entry.time, class: 'date' }, moment_of(entry.time)),
    entry.action,
    whom ? h('code', null, whom) : nothing('–'),
    entry.key ? h('code', null, entry.key) : nothing('–'),
    entry.outcome ?? '',
    h('code', null, entry.request ?? ''),
  ]);
}

export const show_audit: View = async ({ main, signal }: Place) => {
  const body = h('tbody');
  const problems = h('div');
  const more = h('button', { type: 'button' }, 'Older entries');
  let cursor: string | null = null;
  const load = async (): Promise<number> => {
    const page: { entries: AuditEntry[]; next: string | null } = await ask_json('/v1/audit', {
      query: { cursor, limit: 100 },
      signal,
    });
    body.append(...page.entries.map(row));
    cursor = page.next;
    more.hidden = cursor === null;
    return page.entries.length;
  };
  more.addEventListener('click', () => {
    fill(problems);
    load().catch((error: unknown) => {
      if (!is_abort(error)) fill(problems, problem_notice(error));
    });
  });
  const found = await load();
  fill(
    main,
    h('h1', { tabindex: -1 }, 'Audit log'),
    h(
      'p',
      { class: 'lead' },
      'Who did what to whom, newest first. It holds ids only: no names, no pictures, no templates.',
    ),
    found === 0
      ? empty_state(
          'Nothing has happened yet',
          'What is done with people and galleries is noted here.',
        )
      : table('Audit log', kHeads, body),
    problems,
    h('div', { class: 'actions' }, more),
  );
};
