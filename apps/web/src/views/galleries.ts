import { ask_json } from '../api/client';
import type { Gallery, GallerySettings, Keep } from '../api/types';
import { fill, h } from '../dom';
import { bytes, count, percent } from '../facts/format';
import { form_dialog } from '../parts/dialog';
import { check_field, select_field, text_field } from '../parts/fields';
import { done, empty_state } from '../parts/notice';
import { link } from '../router';
import { galleries } from '../session';
import type { Place, View } from './view';

export const kKeepWords: Record<Keep, string> = {
  none: 'Nothing but the template',
  chips: 'The cut-out face',
  photos: 'The whole photo',
};

/** Of a new gallery or of one that exists. */
export function settings_fields(gallery?: Gallery): {
  element: HTMLElement;
  read: () => GallerySettings;
} {
  const description = text_field('Description', {
    value: gallery?.description ?? '',
    maxlength: 4096,
  });
  const quality = text_field(
    'Least quality',
    { type: 'number', min: 0, max: 1, step: '0.01', value: gallery?.min_quality ?? '' },
    'From 0 to 1. Faces below it are refused; 0 takes all. Empty: as the server has it.',
  );
  const keep = select_field(
    'Kept of each photo',
    Object.entries(kKeepWords) as [string, string][],
    gallery?.keep ?? 'none',
    'A kept picture can be shown here and moved to another model later. It is also what is worst to lose.',
  );
  const duplicates = check_field(
    'Take a face that is in the gallery already',
    gallery?.allow_duplicates ?? false,
  );
  return {
    element: h(
      'div',
      { class: 'stack' },
      description.row,
      h('div', { class: 'columns' }, keep.row, quality.row),
      duplicates.row,
    ),
    read: () => ({
      description: description.input.value,
      ...(quality.input.value === '' ? {} : { min_quality: Number(quality.input.value) }),
      keep: keep.input.value as Keep,
      allow_duplicates: duplicates.input.checked,
    }),
  };
}

async function make_gallery(): Promise<void> {
  const name = text_field(
    'Name',
    {
      required: true,
      pattern: '[a-z0-9][a-z0-9_\\-]{0,62}',
      spellcheck: 'false',
      title: 'Lower-case letters, digits, - and _, at most 63',
    },
    'Lower-case letters, digits, - and _. It cannot be changed later.',
  );
  const settings = settings_fields();
  const made = await form_dialog({
    title: 'Make a gallery',
    fields: [name.row, settings.element],
    action: 'Make the gallery',
    submit: () =>
      ask_json<Gallery>('/v1/galleries', {
        method: 'POST',
        json: { gallery: name.input.value, ...settings.read() },
      }),
  });
  if (!made) return;
  done(`Gallery ${made.gallery} is made.`);
  location.hash = link`#/galleries/${made.gallery}`;
}

function card(one: Gallery): HTMLElement {
  return h(
    'li',
    { class: 'card tile' },
    h('h2', null, h('a', { href: link`#/galleries/${one.gallery}` }, one.gallery)),
    one.description ? h('p', { class: 'muted' }, one.description) : null,
    h('p', null, `${count(one.persons, 'person', 'people')}, ${count(one.faces, 'face')}`),
    h(
      'p',
      { class: 'hint' },
      [
        `Kept: ${kKeepWords[one.keep].toLowerCase()}`,
        one.min_quality > 0 ? `quality from ${percent(one.min_quality)}` : '',
        one.bytes === undefined ? '' : bytes(one.bytes),
      ]
        .filter(Boolean)
        .join(' · '),
    ),
    h(
      'div',
      { class: 'actions' },
      h('a', { class: 'button writes', href: link`#/enrol?gallery=${one.gallery}` }, 'Enrol'),
      h('a', { class: 'button', href: link`#/search?gallery=${one.gallery}` }, 'Search'),
    ),
  );
}

export const show_galleries: View = async ({ main, route, session, signal }: Place) => {
  const all = await galleries(signal);
  const make = session.admin
    ? h(
        'button',
        { type: 'button', class: 'primary', click: () => void make_gallery() },
        'Make a gallery',
      )
    : null;
  fill(
    main,
    h('div', { class: 'head' }, h('h1', { tabindex: -1 }, 'Galleries'), make),
    all.length === 0
      ? empty_state(
          'There is no gallery yet',
          session.admin
            ? 'A gallery holds the people who can be found, apart from those of other galleries.'
            : 'Ask somebody with an admin key to make one.',
        )
      : h('ul', { class: 'tiles' }, all.map(card)),
  );
  if (route.query.has('new') && session.admin) void make_gallery();
};
