import { ask_json, path } from '../api/client';
import type { PersonSummary } from '../api/types';
import { fresh_id, h } from '../dom';
import { type Field, text_field } from './fields';

const kOffered = 1000;

/** A field that offers the gallery's people by name; chosen() is the id, or null for nobody known. */
export interface PersonPicker extends Field<HTMLInputElement> {
  load: (gallery: string, signal: AbortSignal) => Promise<void>;
  choose: (person: string) => void;
  chosen: () => string | null;
}

export function person_picker(): PersonPicker {
  const list = h('datalist', { id: fresh_id('people') });
  const field = text_field('Person', {
    list: list.id,
    placeholder: 'Type a name',
    spellcheck: 'false',
  });
  field.row.append(list);
  let people: PersonSummary[] = [];
  let complete = true;

  const text_of = (one: PersonSummary): string =>
    one.name ? `${one.name} · ${one.person}` : one.person;
  const chosen = (): string | null => {
    const typed = field.input.value.trim();
    if (!typed) return null;
    const exact = people.find((one) => text_of(one) === typed || one.person === typed);
    if (exact) return exact.person;
    const named = people.filter((one) => one.name === typed);
    if (named.length === 1) return named[0]?.person ?? null;
    return complete ? null : typed; // beyond what is offered, an id is taken at its word
  };
  field.input.addEventListener('input', () => field.input.setCustomValidity(''));

  return {
    ...field,
    chosen,
    choose: (person) => {
      const known = people.find((one) => one.person === person);
      field.input.value = known ? text_of(known) : person;
    },
    load: async (gallery, signal) => {
      const page = await ask_json<{ persons: PersonSummary[]; next: number | null }>(
        path`/v1/galleries/${gallery}/persons`,
        { query: { limit: kOffered }, signal },
      );
      people = page.persons;
      complete = page.next === null;
      list.replaceChildren(...people.map((one) => h('option', { value: text_of(one) })));
      field.input.placeholder = complete ? 'Type a name' : 'Type a name or an id';
    },
  };
}
