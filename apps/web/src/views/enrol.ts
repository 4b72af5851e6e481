import { ask_json, path } from '../api/client';
import { Queue } from '../api/queue';
import type { Person, PersonChange } from '../api/types';
import { fill, h } from '../dom';
import { count } from '../facts/format';
import { dropzone } from '../parts/dropzone';
import { radio_group, text_field } from '../parts/fields';
import { gallery_picker, no_gallery } from '../parts/gallery_picker';
import { announce, empty_state } from '../parts/notice';
import { person_fields, type PersonFields } from '../parts/person_fields';
import { person_picker } from '../parts/person_picker';
import { Watch } from '../parts/visible';
import { link } from '../router';
import { galleries } from '../session';
import { EnrolItem, type Source } from './enrol_item';
import type { Place, View } from './view';

/** Few, so that one browser does not keep others from the server. */
const kAtOnce = 3;

type Mode = 'new' | 'known' | 'each';

async function make_person(gallery: string, facts: PersonChange): Promise<string> {
  const made = await ask_json<Person>(path`/v1/galleries/${gallery}/persons`, {
    method: 'POST',
    json: facts,
  });
  return made.person;
}

/** Who the photos show: somebody new, somebody of the gallery, or somebody else on each. */
class Who {
  mode: Mode;
  readonly element: HTMLElement;
  readonly picker = person_picker();
  private readonly place = h('div', { class: 'stack' });
  private fresh: PersonFields = person_fields();
  /** What is said of all people of the mode 'each'. */
  private shared: PersonFields = person_fields();
  private made = new Map<string, Promise<string>>();

  constructor(
    mode: Mode,
    private readonly changed: (mode: Mode) => void,
  ) {
    this.mode = mode;
    const switched = (value: string): void => {
      this.mode = value as Mode;
      this.show();
    };
    this.element = h(
      'div',
      { class: 'stack' },
      radio_group(
        'Who is on the photos?',
        [
          ['new', 'Somebody new'],
          ['known', 'Somebody of the gallery'],
          ['each', 'Somebody else on each'],
        ],
        mode,
        switched,
      ),
      this.place,
    );
    this.show();
  }

  /** Says what is missing and moves the focus there. */
  complete(): boolean {
    const input =
      this.mode === 'known'
        ? this.picker.input
        : this.mode === 'new'
          ? this.fresh.name.querySelector('input')
          : null;
    if (!input) return true;
    const fault =
      this.mode === 'known' && this.picker.chosen() === null
        ? 'Choose somebody of the gallery.'
        : this.mode === 'new' && input.value.trim() === ''
          ? 'Type a name.'
          : '';
    input.setCustomValidity(fault);
    if (fault) input.reportValidity();
    return fault === '';
  }

  /** The id of the person on a photo; a person is made once, when the first photo is sent. */
  person(gallery: string, name: string): Promise<string> {
    if (this.mode === 'known') return Promise.resolve(this.picker.chosen() ?? '');
    const facts = this.mode === 'new' ? this.fresh.change() : { ...this.shared.change(), name };
    const known = this.made.get(facts.name ?? '');
    if (known) return known;
    const making = make_person(gallery, facts);
    this.made.set(facts.name ?? '', making);
    making.catch(() => this.made.delete(facts.name ?? ''));
    return making;
  }

  made_people(): Promise<PromiseSettledResult<string>[]> {
    return Promise.allSettled(this.made.values());
  }

  forget(): void {
    this.made.clear();
  }

  private show(): void {
    if (this.mode === 'known') fill(this.place, this.picker.row);
    else if (this.mode === 'new') {
      const name = this.fresh.name.querySelector('input');
      name?.addEventListener('input', () => name.setCustomValidity(''));
      fill(this.place, this.fresh.name, this.more(this.fresh));
    } else
      fill(
        this.place,
        h(
          'p',
          { class: 'hint' },
          'The name comes from the file; correct it on each photo below. Photos with the same name show the same person.',
        ),
        this.more(this.shared),
      );
    this.changed(this.mode);
  }

  private more(fields: PersonFields): HTMLElement {
    return h(
      'details',
      { class: 'options' },
      h('summary', null, 'Consent, expiry, attributes'),
      h('div', { class: 'stack' }, fields.consent, fields.attributes),
    );
  }
}

/** Where the server allows it, photos also come from addresses that it fetches. */
function url_form(take: (photos: Source[]) => void): HTMLElement {
  const field = text_field(
    'Address of a photo',
    { type: 'url', placeholder: 'https://…', required: true },
    'The server fetches it, if it is of a host that it allows.',
  );
  const add = (event: Event): void => {
    event.preventDefault();
    const url = new URL(field.input.value);
    take([{ name: url.pathname.split('/').at(-1) || url.hostname, url: url.href }]);
    field.input.value = '';
  };
  const button = h('button', { type: 'submit' }, 'Add the address');
  return h(
    'form',
    { class: 'stack small', submit: add },
    field.row,
    h('div', { class: 'actions' }, button),
  );
}

export const show_enrol: View = async ({ main, route, session, signal }: Place) => {
  if (!session.enrols)
    return fill(
      main,
      h('h1', { tabindex: -1 }, 'Enrol'),
      empty_state('This key may only read', 'Sign in with a key that may enrol to add people.'),
    );
  const all = await galleries(signal);
  if (all.length === 0)
    return fill(main, h('h1', { tabindex: -1 }, 'Enrol'), no_gallery(session.admin));

  const sending = new Queue(kAtOnce);
  const decoding = new Queue(2);
  const watch = new Watch(signal);
  const items: EnrolItem[] = [];
  let turn: AbortController | null = null;

  const list = h('ol', { class: 'uploads', 'aria-label': 'Photos' });
  const overall = h('progress', { max: 1, value: 0, 'aria-label': 'Photos done' });
  const words = h('p', { role: 'status', class: 'summary' });
  const problems = h('div');
  const next = h('div', { class: 'actions' });
  const start = h(
    'button',
    {
      type: 'button',
      class: 'primary',
      click: () => void run(items.filter((item) => item.outcome === 'new')),
    },
    'Enrol',
  );
  const stop = h('button', { type: 'button', click: () => turn?.abort() }, 'Stop');
  const clear = h(
    'button',
    { type: 'button', click: () => take_off(items.filter((item) => item.outcome === 'enrolled')) },
    'Clear the enrolled',
  );
  const progress = h(
    'section',
    { class: 'card stack progress', hidden: true, 'aria-label': 'Progress' },
    words,
    overall,
    problems,
    h('div', { class: 'actions' }, start, stop, clear),
    next,
  );

  const of = (outcome: string): number => items.filter((item) => item.outcome === outcome).length;
  const refresh = (): void => {
    progress.hidden = items.length === 0;
    const [fresh, working, enrolled, refused, failed] = [
      'new',
      'working',
      'enrolled',
      'refused',
      'failed',
    ].map(of) as [number, number, number, number, number];
    overall.max = Math.max(1, items.length);
    overall.value = enrolled + refused + failed;
    overall.hidden = working === 0;
    stop.hidden = working === 0;
    start.hidden = fresh === 0;
    start.disabled = working > 0;
    clear.hidden = enrolled === 0 || working > 0;
    start.textContent = `Enrol ${count(fresh, 'photo')}`;
    const parts = [
      fresh > 0 ? `${fresh} ready` : '',
      working > 0 ? `${working} in work` : '',
      enrolled > 0 ? `${enrolled} enrolled` : '',
      refused > 0 ? `${refused} refused` : '',
      failed > 0 ? `${failed} failed` : '',
    ].filter(Boolean);
    words.textContent = `${count(items.length, 'photo')}: ${parts.join(', ')}.`;
  };
  const take_off = (gone: EnrolItem[]): void => {
    for (const item of gone) {
      items.splice(items.indexOf(item), 1);
      watch.remove(item.element);
      item.element.remove();
    }
    refresh();
    (start.hidden ? zone.querySelector('input') : start)?.focus();
  };
  const run = async (chosen: EnrolItem[], select?: string): Promise<void> => {
    fill(problems);
    if (!who.complete()) return;
    const gallery = picker.input.value;
    turn ??= new AbortController();
    const running = AbortSignal.any([signal, turn.signal]);
    fill(next);
    await Promise.all(
      chosen.map((item) =>
        item.enrol(
          async () => ({
            gallery,
            person: await who.person(gallery, item.name_input.value.trim()),
          }),
          sending,
          running,
          select,
        ),
      ),
    );
    if (of('working') > 0) return;
    turn = null;
    await show_next(gallery);
  };
  const show_next = async (gallery: string): Promise<void> => {
    if (signal.aborted || of('enrolled') === 0) return;
    const made = (await who.made_people()).flatMap((one) =>
      one.status === 'fulfilled' ? [one.value] : [],
    );
    const person = who.mode === 'known' ? who.picker.chosen() : made.length === 1 ? made[0] : null;
    fill(
      next,
      person
        ? h(
            'a',
            { class: 'button', href: link`#/galleries/${gallery}/persons/${person}` },
            'Look at the person',
          )
        : h('a', { class: 'button', href: link`#/galleries/${gallery}` }, 'Look at the gallery'),
      h('a', { class: 'button', href: link`#/search?gallery=${gallery}` }, 'Search with a photo'),
    );
  };
  const take = (photos: Source[]): void => {
    for (const photo of photos) {
      const item = new EnrolItem(photo, decoding, signal, {
        changed: refresh,
        again: (one, select) => void run([one], select),
        removed: (one) => take_off([one]),
      });
      items.push(item);
      list.append(item.element);
      watch.add(item.element, (visible) => item.show_picture(visible));
    }
    refresh();
    announce(`${count(photos.length, 'photo')} added.`);
  };
  const wanted = route.query.get('person');
  const who = new Who(wanted ? 'known' : 'new', (mode) =>
    list.classList.toggle('by-name', mode === 'each'),
  );
  const picker = gallery_picker(all, route, (name) => {
    who.forget();
    who.picker.input.value = '';
    void who.picker.load(name, signal).catch(() => undefined);
  });
  await who.picker.load(picker.input.value, signal);
  if (wanted) who.picker.choose(wanted);
  const zone = dropzone({
    label: 'Photos to enrol',
    multiple: true,
    on_photos: (files) => take(files.map((file) => ({ name: file.name, file }))),
    paste: signal,
  });
  fill(
    main,
    h('h1', { tabindex: -1 }, 'Enrol'),
    h(
      'p',
      { class: 'lead' },
      'Each photo should show one face. Enrol only people who agreed to it or for whom you have another legal ground.',
    ),
    h(
      'div',
      { class: 'card stack' },
      h('div', { class: 'columns' }, picker.row),
      who.element,
      zone,
      session.urls ? url_form(take) : null,
    ),
    progress,
    list,
  );
};
