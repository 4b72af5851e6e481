import { ask_json, path } from '../api/client';
import type { EnrolledFace, Person } from '../api/types';
import { fill, h } from '../dom';
import { count, moment, percent } from '../facts/format';
import { confirm_removal } from '../parts/dialog';
import { download } from '../parts/download';
import { has_picture, picture_of_face } from '../parts/kept_picture';
import { done, empty_state, notice, problem_notice } from '../parts/notice';
import { person_fields } from '../parts/person_fields';
import { link } from '../router';
import { drawn_again, type Place, type View } from './view';

function display_name(person: Person): string {
  return person.name || person.person;
}

function face_card(
  gallery: string,
  person: Person,
  face: EnrolledFace,
  number: number,
  again: () => void,
  signal: AbortSignal,
): HTMLElement {
  const remove = async (): Promise<void> => {
    const kept = has_picture(face) ? ' and its kept picture' : '';
    const removed = await confirm_removal({
      title: 'Remove this face?',
      lost: [
        h('p', null, `The template of this face${kept} is overwritten and gone for good.`),
        person.faces.length === 1
          ? h(
              'p',
              null,
              `It is the only face: ${display_name(person)} is not found any more, but stays in the list.`,
            )
          : null,
      ],
      action: 'Remove the face',
      submit: () =>
        ask_json(path`/v1/galleries/${gallery}/persons/${person.person}/faces/${face.face_id}`, {
          method: 'DELETE',
        }),
    });
    if (!removed) return;
    done('The face is removed.');
    again();
  };
  return h(
    'li',
    { class: 'card face-card' },
    picture_of_face(
      gallery,
      person.person,
      face,
      `Face ${number} of ${display_name(person)}`,
      signal,
    ),
    h(
      'div',
      { class: 'grow' },
      h('p', null, h('strong', null, `Face ${number}`)),
      h(
        'p',
        { class: 'hint' },
        `Quality ${percent(face.quality)}${has_picture(face) ? '' : ', no picture kept'}`,
      ),
      face.source ? h('p', { class: 'hint file-name' }, `From ${face.source}`) : null,
      h('p', { class: 'hint' }, moment(face.enrolled_at)),
      h(
        'button',
        {
          type: 'button',
          class: 'quiet writes',
          'aria-label': `Remove face ${number}`,
          click: () => void remove(),
        },
        'Remove',
      ),
    ),
  );
}

function details(gallery: string, person: Person, again: () => void): HTMLElement {
  const fields = person_fields(person);
  const problems = h('div');
  const save = h('button', { type: 'submit', class: 'primary writes' }, 'Save');
  const submit = async (): Promise<void> => {
    fill(problems);
    const change = fields.change();
    if (Object.keys(change).length === 0) return done('Nothing has changed.');
    save.disabled = true;
    try {
      await ask_json(path`/v1/galleries/${gallery}/persons/${person.person}`, {
        method: 'PATCH',
        json: change,
      });
      done('Saved.');
      again();
    } catch (error) {
      fill(problems, problem_notice(error));
    } finally {
      save.disabled = false;
    }
  };
  return h(
    'form',
    {
      class: 'stack',
      submit: (event: Event) => {
        event.preventDefault();
        void submit();
      },
    },
    fields.name,
    fields.consent,
    h('h3', null, 'Attributes'),
    fields.attributes,
    problems,
    h('div', { class: 'actions' }, save),
  );
}

async function remove_person(gallery: string, person: Person): Promise<void> {
  const pictures = person.faces.filter(has_picture).length;
  const removed = await confirm_removal({
    title: `Remove ${display_name(person)}?`,
    lost: [
      h(
        'p',
        null,
        `${count(person.faces.length, 'face')}${pictures > 0 ? `, ${count(pictures, 'kept picture')}` : ''}, the name, the consent and the attributes are overwritten and gone for good. ${display_name(person)} is not found any more.`,
      ),
      h('p', null, 'Backups and exports from before still hold them.'),
    ],
    action: 'Remove the person',
    submit: () =>
      ask_json(path`/v1/galleries/${gallery}/persons/${person.person}`, { method: 'DELETE' }),
  });
  if (!removed) return;
  done('The person is removed.');
  location.hash = link`#/galleries/${gallery}`;
}

export const show_person: View = async (place: Place) => {
  const { main, route, session, signal } = place;
  const [, gallery = '', , id = ''] = route.parts;
  const show = async (): Promise<void> => {
    const person = await ask_json<Person>(path`/v1/galleries/${gallery}/persons/${id}`, { signal });
    const expired = person.expires_at !== null && person.expires_at <= Date.now() / 1000;
    const export_person = (): void => {
      download(
        path`/v1/galleries/${gallery}/persons/${id}/export`,
        `${id.replace(/[^\w.-]/g, '_')}.json`,
      )
        .then(() => done('The export is saved among your downloads. It is not encrypted.'))
        .catch((error: unknown) => fill(problems, problem_notice(error)));
    };
    const problems = h('div');
    fill(
      main,
      h(
        'p',
        { class: 'crumbs' },
        h('a', { href: '#/galleries' }, 'Galleries'),
        ' / ',
        h('a', { href: link`#/galleries/${gallery}` }, gallery),
      ),
      h(
        'div',
        { class: 'head' },
        h('h1', { tabindex: -1 }, display_name(person)),
        h(
          'div',
          { class: 'actions' },
          h(
            'a',
            { class: 'button primary writes', href: link`#/enrol?gallery=${gallery}&person=${id}` },
            'Add photos',
          ),
        ),
      ),
      h('p', { class: 'hint' }, `Id ${person.person} · made ${moment(person.created)}`),
      expired
        ? notice(
            'warn',
            'This person has expired',
            h(
              'p',
              null,
              'They are not found any more and take no new faces. Move the date of expiry if they agree, or remove them.',
            ),
          )
        : null,
      h('h2', null, 'Faces'),
      person.faces.length === 0
        ? empty_state(
            'No face yet',
            'Without a face the person cannot be found.',
            h(
              'a',
              { class: 'button writes', href: link`#/enrol?gallery=${gallery}&person=${id}` },
              'Add photos',
            ),
          )
        : h(
            'ul',
            { class: 'tiles' },
            person.faces.map((face, i) => face_card(gallery, person, face, i + 1, again, signal)),
          ),
      h(
        'section',
        { class: 'card stack', 'aria-label': 'Details' },
        h('h2', null, 'Details'),
        details(gallery, person, again),
      ),
      h(
        'section',
        { class: 'card stack', 'aria-label': 'Data of this person' },
        h('h2', null, 'Data of this person'),
        problems,
        h(
          'div',
          { class: 'actions' },
          session.admin
            ? h('button', { type: 'button', click: export_person }, 'Export all that is kept')
            : null,
          h(
            'button',
            {
              type: 'button',
              class: 'danger writes',
              click: () => void remove_person(gallery, person),
            },
            'Remove the person',
          ),
        ),
      ),
    );
  };
  const again = drawn_again(place, show);
  await show();
};
