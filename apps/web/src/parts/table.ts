import { type Child, h } from '../dom';

/** The first cell names the row; on a phone each of the others says its column. */
export function table_row(heads: string[], [first, ...rest]: Child[]): HTMLTableRowElement {
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, first),
    rest.map((cell, i) => h('td', heads[i + 1] ? { 'data-label': heads[i + 1] } : null, cell)),
  );
}

/** A column with an empty head holds buttons. */
export function table(
  caption: string,
  heads: string[],
  body: HTMLTableSectionElement,
): HTMLElement {
  const head = heads.map((text) => (text ? h('th', { scope: 'col' }, text) : h('td')));
  return h(
    'div',
    { class: 'scroll' },
    h(
      'table',
      { class: 'cards' },
      h('caption', { class: 'hidden-text' }, caption),
      h('thead', null, h('tr', null, head)),
      body,
    ),
  );
}

export function table_of(caption: string, heads: string[], rows: Child[][]): HTMLElement {
  return table(
    caption,
    heads,
    h(
      'tbody',
      null,
      rows.map((row) => table_row(heads, row)),
    ),
  );
}

export function date_cell(text: string): HTMLElement {
  return h('span', { class: 'date' }, text);
}

/** What stands where there is nothing to tell. */
export function nothing(text: string): HTMLElement {
  return h('span', { class: 'muted' }, text);
}

export function facts_list(rows: [name: string, value: string][]): HTMLElement {
  const fact = ([name, value]: [string, string]): HTMLElement =>
    h('div', null, h('dt', null, name), h('dd', null, value));
  return h('dl', { class: 'facts' }, rows.map(fact));
}
