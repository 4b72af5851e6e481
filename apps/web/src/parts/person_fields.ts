import type { PersonChange, PersonFacts } from '../api/types';
import { h } from '../dom';
import { date } from '../facts/format';
import { text_field } from './fields';

/** What is said of a person besides the faces. */
export interface PersonFields {
  name: HTMLElement;
  consent: HTMLElement;
  attributes: HTMLElement;
  /** Only what differs from the start. */
  change: () => PersonChange;
}

interface AttributeRow {
  row: HTMLElement;
  key: HTMLInputElement;
  value: HTMLInputElement;
  shown: string;
  original: unknown;
}

function shown_value(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function attribute_rows(initial: Record<string, unknown>): {
  element: HTMLElement;
  read: () => Record<string, unknown>;
} {
  const rows: AttributeRow[] = [];
  const list = h('div', { class: 'stack small' });
  const add = (name: string, original: unknown): AttributeRow => {
    const shown = original === undefined ? '' : shown_value(original);
    const key = h('input', {
      'aria-label': 'Attribute',
      placeholder: 'department',
      value: name,
      autocomplete: 'off',
    });
    const value = h('input', {
      'aria-label': 'Value',
      placeholder: 'research',
      value: shown,
      autocomplete: 'off',
    });
    const remove = (): void => {
      rows.splice(rows.indexOf(made), 1);
      made.row.remove();
      more.focus();
    };
    const row = h(
      'div',
      { class: 'pair' },
      key,
      value,
      h('button', { type: 'button', class: 'quiet', click: remove }, 'Remove'),
    );
    const made: AttributeRow = { row, key, value, shown, original };
    rows.push(made);
    list.append(row);
    return made;
  };
  const more = h(
    'button',
    { type: 'button', click: () => add('', undefined).key.focus() },
    'Add an attribute',
  );
  for (const [name, value] of Object.entries(initial)) add(name, value);
  return {
    element: h(
      'div',
      { class: 'stack small', role: 'group', 'aria-label': 'Attributes' },
      list,
      h('div', null, more),
    ),
    // A value that was not touched keeps its kind (a number stays a number).
    read: () =>
      Object.fromEntries(
        rows
          .filter((one) => one.key.value.trim() !== '')
          .map((one) => [
            one.key.value.trim(),
            one.original !== undefined && one.value.value === one.shown
              ? one.original
              : one.value.value,
          ]),
      ),
  };
}

export function person_fields(person?: PersonFacts): PersonFields {
  const name = text_field('Name', { value: person?.name ?? '', maxlength: 4096 });
  const basis = text_field(
    'Basis of consent',
    { value: person?.consent_basis ?? '', placeholder: 'signed form 17' },
    'Why this face may be kept, so that it can be shown later.',
  );
  const given = text_field('Consent given on', {
    type: 'date',
    value: date(person?.consent_at ?? null),
  });
  const expires = text_field(
    'Expires on',
    { type: 'date', value: date(person?.expires_at ?? null) },
    'From this day on the person is not found any more.',
  );
  const attributes = attribute_rows(person?.attributes ?? {});
  const change = (): PersonChange => {
    const changed: PersonChange = {};
    if (name.input.value !== (person?.name ?? '')) changed.name = name.input.value;
    if (basis.input.value !== (person?.consent_basis ?? ''))
      changed.consent_basis = basis.input.value || null;
    if (given.input.value !== date(person?.consent_at ?? null))
      changed.consent_at = given.input.value || null;
    if (expires.input.value !== date(person?.expires_at ?? null))
      changed.expires_at = expires.input.value || null;
    const said = attributes.read();
    if (JSON.stringify(said) !== JSON.stringify(person?.attributes ?? {}))
      changed.attributes = said;
    return changed;
  };
  return {
    name: name.row,
    consent: h(
      'div',
      { class: 'stack' },
      basis.row,
      h('div', { class: 'columns' }, given.row, expires.row),
    ),
    attributes: attributes.element,
    change,
  };
}
