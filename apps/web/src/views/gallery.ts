import { ask_json, path } from '../api/client';
import type { Gallery, PersonSummary } from '../api/types';
import { type Child, fill, h } from '../dom';
import { bytes, count, date, percent, whole } from '../facts/format';
import { confirm_removal, form_dialog } from '../parts/dialog';
import { download } from '../parts/download';
import { done, empty_state, loading, notice, problem_notice } from '../parts/notice';
import { text_field } from '../parts/fields';
import { person_fields } from '../parts/person_fields';
import { date_cell, facts_list, nothing, table_of } from '../parts/table';
import { link } from '../router';
import { kKeepWords, settings_fields } from './galleries';
import { drawn_again, type Place, type View } from './view';

const kPage = 50;

function facts(one: Gallery): HTMLElement {
  const rows: [string, string][] = [
    ['People', whole(one.persons)],
    ['Faces', whole(one.faces)],
    ['Kept of each photo', kKeepWords[one.keep]],
    ['Least quality', percent(one.min_quality)],
  ];
  if (one.model) rows.push(['Model', one.model]);
  if (one.bytes !== undefined) rows.push(['On disk', bytes(one.bytes)]);
  if (one.encryption) rows.push(['Encryption', one.encryption]);
  return facts_list(rows);
}

const kHeads = ['Name', 'Faces', 'Consent', 'Expires', 'Made'];

function expiry(at: number | null): Child {
  if (at === null) return nothing('never');
  if (at > Date.now() / 1000) return date_cell(date(at));
  return h('span', { class: 'bad-text date' }, `expired ${date(at)}`);
}

function person_cells(gallery: string, one: PersonSummary): Child[] {
  return [
    h('a', { href: link`#/galleries/${gallery}/persons/${one.person}` }, one.name || one.person),
    whole(one.faces),
    one.consent_basis ?? nothing('none noted'),
    expiry(one.expires_at),
    date_cell(date(one.created)),
  ];
}

/** Those whose names hold what is typed, as soon as the typing pauses. */
function people(gallery: string, signal: AbortSignal): HTMLElement {
  const place = h('div', { class: 'stack' });
  const found = text_field('Find by name', { type: 'search' });
  let pause = 0;
  let turn = new AbortController();
  const show = (): void => {
    turn.abort();
    turn = new AbortController();
    fill(place, pages_of(gallery, found.input.value.trim(), AbortSignal.any([signal, turn.signal])));
  };
  found.input.addEventListener('input', () => {
    window.clearTimeout(pause);
    pause = window.setTimeout(show, 200);
  });
  show();
  return h('div', { class: 'stack' }, h('search', null, found.row), place);
}

/** Pages forward by the server's cursor; the cursors of the pages before are kept for the way back. */
function pages_of(gallery: string, name: string, signal: AbortSignal): HTMLElement {
  const place = h('div', { class: 'stack' });
  const before: (number | null)[] = [];
  const show = async (after: number | null): Promise<void> => {
    fill(place, loading('People'));
    try {
      const page = await ask_json<{ persons: PersonSummary[]; next: number | null }>(
        path`/v1/galleries/${gallery}/persons`,
        { query: { after, limit: kPage, name: name || null }, signal },
      );
      if (page.persons.length === 0 && before.length === 0 && name)
        return fill(
          place,
          h('p', { class: 'hint', role: 'status' }, `Nobody’s name has “${name}” in it.`),
        );
      if (page.persons.length === 0 && before.length === 0)
        return fill(
          place,
          empty_state(
            'Nobody is in this gallery yet',
            'Enrol photos to make people who can be found.',
            h(
              'a',
              { class: 'button primary writes', href: link`#/enrol?gallery=${gallery}` },
              'Enrol photos',
            ),
          ),
        );
      const first = before.length * kPage + 1;
      const words = h(
        'p',
        { class: 'hint', role: 'status', tabindex: -1 },
        page.persons.length === 0
          ? 'No more people'
          : `People ${whole(first)} to ${whole(first + page.persons.length - 1)}`,
      );
      const back = h(
        'button',
        {
          type: 'button',
          disabled: before.length === 0,
          click: () => void show(before.pop() ?? null),
        },
        'Previous',
      );
      const on = h(
        'button',
        {
          type: 'button',
          disabled: page.next === null,
          click: () => {
            before.push(after);
            void show(page.next);
          },
        },
        'Next',
      );
      fill(
        place,
        table_of(
          `People of ${gallery}`,
          kHeads,
          page.persons.map((one) => person_cells(gallery, one)),
        ),
        h('nav', { class: 'pages', 'aria-label': 'Pages of people' }, back, words, on),
      );
    } catch (error) {
      if (!signal.aborted)
        fill(
          place,
          problem_notice(error, () => void show(after)),
        );
    }
  };
  void show(null);
  return place;
}

async function add_person(gallery: string): Promise<void> {
  const fields = person_fields();
  const made = await form_dialog({
    title: 'Add a person',
    fields: [fields.name, fields.consent, fields.attributes],
    action: 'Add the person',
    submit: () =>
      ask_json<{ person: string }>(path`/v1/galleries/${gallery}/persons`, {
        method: 'POST',
        json: fields.change(),
      }),
  });
  if (!made) return;
  done('The person is added.');
  location.hash = link`#/galleries/${gallery}/persons/${made.person}`;
}

async function change_settings(gallery: Gallery, again: () => void): Promise<void> {
  const settings = settings_fields(gallery);
  const changed = await form_dialog({
    title: `Settings of ${gallery.gallery}`,
    fields: [
      settings.element,
      h(
        'p',
        { class: 'hint' },
        'They hold for photos from now on; who is enrolled stays enrolled.',
      ),
    ],
    action: 'Save',
    submit: () =>
      ask_json<Gallery>(path`/v1/galleries/${gallery.gallery}`, {
        method: 'PATCH',
        json: settings.read(),
      }),
  });
  if (!changed) return;
  done('The settings are saved.');
  again();
}

async function remove_gallery(gallery: Gallery): Promise<void> {
  const kept = gallery.keep === 'none' ? '' : ' and all kept pictures';
  const removed = await confirm_removal({
    title: `Delete the gallery ${gallery.gallery}?`,
    lost: [
      h(
        'p',
        null,
        `${count(gallery.persons, 'person', 'people')} with ${count(gallery.faces, 'face')}${kept}, their names, consents and attributes are lost for good. Nobody of them is found any more.`,
      ),
      h('p', null, 'It cannot be undone. Export the gallery first if somebody may need it.'),
    ],
    action: 'Delete the gallery',
    typed: gallery.gallery,
    submit: () => ask_json(path`/v1/galleries/${gallery.gallery}`, { method: 'DELETE' }),
  });
  if (!removed) return;
  done(`Gallery ${gallery.gallery} is deleted.`);
  location.hash = '#/galleries';
}

async function export_gallery(gallery: string): Promise<void> {
  const saved = await form_dialog({
    title: 'Export the gallery?',
    fields: [
      notice(
        'warn',
        'The file is not encrypted',
        h(
          'p',
          null,
          'It holds the templates and kept pictures of everybody in the gallery, with their names. Keep it like the gallery itself, and delete it when it has arrived.',
        ),
      ),
    ],
    action: 'Export',
    submit: async () => {
      await download(path`/v1/galleries/${gallery}/export`, `${gallery}.visavis-gallery`);
      return true;
    },
  });
  if (saved) done('The export is saved among your downloads.');
}

export const show_gallery: View = async (place: Place) => {
  const { main, route, session, signal } = place;
  const name = route.parts[1] ?? '';
  const show = async (): Promise<void> => {
    const gallery = await ask_json<Gallery>(path`/v1/galleries/${name}`, { signal });
    fill(
      main,
      h('p', { class: 'crumbs' }, h('a', { href: '#/galleries' }, 'Galleries')),
      h(
        'div',
        { class: 'head' },
        h('h1', { tabindex: -1 }, gallery.gallery),
        h(
          'div',
          { class: 'actions' },
          h(
            'a',
            { class: 'button primary writes', href: link`#/enrol?gallery=${name}` },
            'Enrol photos',
          ),
          h('a', { class: 'button', href: link`#/search?gallery=${name}` }, 'Search'),
        ),
      ),
      gallery.description ? h('p', { class: 'lead' }, gallery.description) : null,
      h('section', { class: 'card', 'aria-label': 'Figures' }, facts(gallery)),
      h(
        'div',
        { class: 'head' },
        h('h2', null, 'People'),
        h(
          'button',
          { type: 'button', class: 'writes', click: () => void add_person(name) },
          'Add a person',
        ),
      ),
      people(name, signal),
      session.admin
        ? h(
            'section',
            { class: 'card stack', 'aria-label': 'Settings' },
            h('h2', null, 'Settings'),
            h(
              'div',
              { class: 'actions' },
              h(
                'button',
                { type: 'button', click: () => void change_settings(gallery, again) },
                'Change the settings',
              ),
              h(
                'button',
                { type: 'button', click: () => void export_gallery(name) },
                'Export the gallery',
              ),
              h(
                'button',
                { type: 'button', class: 'danger', click: () => void remove_gallery(gallery) },
                'Delete the gallery',
              ),
            ),
          )
        : null,
    );
  };
  const again = drawn_again(place, show);
  await show();
};
