import type { Gallery } from '../api/types';
import { h } from '../dom';
import { count } from '../facts/format';
import { remember, type Route } from '../router';
import { empty_state } from './notice';
import { type Field, select_field } from './fields';

const kLast = 'visavis.gallery';

/** Starts with the gallery of the address, else with the one that was used last. */
export function gallery_picker(
  all: Gallery[],
  route: Route,
  changed: (name: string) => void,
): Field<HTMLSelectElement> {
  const wanted = route.query.get('gallery') ?? sessionStorage.getItem(kLast) ?? '';
  const field = select_field(
    'Gallery',
    all.map((one) => [one.gallery, `${one.gallery} (${count(one.persons, 'person', 'people')})`]),
    wanted,
  );
  field.input.addEventListener('change', () => {
    sessionStorage.setItem(kLast, field.input.value);
    remember('gallery', field.input.value);
    changed(field.input.value);
  });
  return field;
}

export function no_gallery(admin: boolean): HTMLElement {
  return empty_state(
    'There is no gallery yet',
    admin
      ? 'A gallery holds the people who can be found. Make one, then enrol people in it.'
      : 'A gallery holds the people who can be found. Ask somebody with an admin key to make one.',
    admin ? h('a', { class: 'button primary', href: '#/galleries?new=1' }, 'Make a gallery') : null,
  );
}
