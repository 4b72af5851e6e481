import { ask_json } from '../api/client';
import type { Key, Scope } from '../api/types';
import { type Child, fill, h } from '../dom';
import { date } from '../facts/format';
import { confirm_removal, form_dialog, open_dialog } from '../parts/dialog';
import { select_field, text_field } from '../parts/fields';
import { done, empty_state, notice } from '../parts/notice';
import { date_cell, nothing, table_of } from '../parts/table';
import { drawn_again, type Place, type View } from './view';

const kScopeWords: Record<Scope, string> = {
  read: 'Read: search, compare, look at people',
  enrol: 'Enrol: also add, change and remove people',
  admin: 'Admin: also galleries, keys, exports, audit log',
};

async function show_secret(secret: string): Promise<void> {
  const field = text_field('The new key', {
    value: secret,
    readonly: true,
    class: 'code',
    spellcheck: 'false',
  });
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(secret);
      done('The key is copied.');
    } catch {
      field.input.select();
      done('Press Ctrl+C to copy the key.');
    }
  };
  const dialog = open_dialog(
    'Keep this key now',
    notice(
      'warn',
      'It is shown only this once',
      h(
        'p',
        null,
        'The server stores a hash of it and cannot show it again. Put it where its user keeps passwords.',
      ),
    ),
    field.row,
    h(
      'div',
      { class: 'actions end' },
      h('button', { type: 'button', class: 'primary', click: () => void copy() }, 'Copy the key'),
      h('button', { type: 'button', click: () => dialog.close() }, 'Done'),
    ),
  );
  field.input.select();
  await dialog.closed;
}

async function make_key(again: () => void): Promise<void> {
  const scope = select_field('What it may do', Object.entries(kScopeWords), 'read');
  const note = text_field(
    'Note',
    { maxlength: 200, placeholder: 'door camera' },
    'Who or what uses it.',
  );
  const expires = text_field(
    'Expires on',
    { type: 'date' },
    'From this day on it opens nothing. Empty: never.',
  );
  const made = await form_dialog({
    title: 'Make a key',
    fields: [scope.row, note.row, expires.row],
    action: 'Make the key',
    submit: () =>
      ask_json<{ secret: string }>('/v1/keys', {
        method: 'POST',
        json: {
          scope: scope.input.value,
          note: note.input.value,
          expires_at: expires.input.value || null,
        },
      }),
  });
  if (!made) return;
  await show_secret(made.secret);
  again();
}

const kHeads = ['Key', 'May', 'Note', 'Made', 'Expires', ''];

function cells(key: Key, again: () => void): Child[] {
  const remove = async (): Promise<void> => {
    const removed = await confirm_removal({
      title: 'Remove this key?',
      lost: [
        h(
          'p',
          null,
          `Whatever uses the key ${key.key}${key.note ? ` (${key.note})` : ''} cannot sign in any more, from now on.`,
        ),
      ],
      action: 'Remove the key',
      submit: () => ask_json('/v1/keys', { method: 'DELETE', query: { key: key.key } }),
    });
    if (!removed) return;
    done('The key is removed.');
    again();
  };
  const button = h(
    'button',
    {
      type: 'button',
      class: 'quiet',
      'aria-label': `Remove the key ${key.key}`,
      click: () => void remove(),
    },
    'Remove',
  );
  return [
    h('code', null, key.key),
    key.scope,
    key.note || nothing('none'),
    date_cell(date(key.created)),
    key.expires_at === null ? nothing('never') : date_cell(date(key.expires_at)),
    button,
  ];
}

export const show_keys: View = async (place: Place) => {
  const { main, session, signal } = place;
  const show = async (): Promise<void> => {
    const { keys } = await ask_json<{ keys: Key[] }>('/v1/keys', { signal });
    fill(
      main,
      h(
        'div',
        { class: 'head' },
        h('h1', { tabindex: -1 }, 'Keys'),
        h(
          'button',
          { type: 'button', class: 'primary', click: () => void make_key(again) },
          'Make a key',
        ),
      ),
      session.open
        ? notice(
            'info',
            'This server asks for no key',
            h(
              'p',
              null,
              'It was started with --no-auth. Keys that are made here count once it is started without.',
            ),
          )
        : null,
      keys.length === 0
        ? empty_state('There is no key', 'A key lets a program or a person use the server.')
        : table_of(
            'Keys',
            kHeads,
            keys.map((key) => cells(key, again)),
          ),
    );
  };
  const again = drawn_again(place, show);
  await show();
};
