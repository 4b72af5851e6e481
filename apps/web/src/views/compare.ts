import { ask_json, is_abort, type Step } from '../api/client';
import type { JudgedFace, Verification } from '../api/types';
import { fill, h } from '../dom';
import { percent, score } from '../facts/format';
import { kMeasuredOnOthers, promise_words } from '../facts/promise';
import { quality_remarks } from '../facts/reasons';
import { draw_photo, open_photo, type Mark } from '../photo';
import { dropzone } from '../parts/dropzone';
import { select_field } from '../parts/fields';
import { announce, empty_state, notice, problem_notice } from '../parts/notice';
import { facts_list } from '../parts/table';
import { step_words } from '../parts/step';
import type { Place, View } from './view';

/** One of the two photos. */
class Side {
  file: File | null = null;
  private drawn = 0;
  private readonly shown = h('div', { class: 'frame' });
  readonly element: HTMLElement;

  constructor(
    private readonly title: string,
    changed: () => void,
    signal: AbortSignal,
  ) {
    const take = (photos: File[]): void => {
      this.file = photos[0] ?? null;
      void this.draw(null);
      changed();
    };
    this.element = h(
      'section',
      { class: 'card stack' },
      h('h2', null, title),
      this.shown,
      dropzone({ label: title, multiple: false, on_photos: take }),
    );
    signal.addEventListener('abort', () => (this.file = null), { once: true });
  }

  async draw(face: JudgedFace | null): Promise<void> {
    if (!this.file) return;
    const { file } = this;
    this.drawn += 1;
    const turn = this.drawn;
    const photo = await open_photo(file, 1200);
    if (turn !== this.drawn) return photo?.preview.close(); // a later drawing overtook this one
    const marks: Mark[] = face
      ? [
          {
            box: face.box,
            landmarks: face.landmarks ?? null,
            label: `quality ${percent(face.quality)}`,
            tone: 'good',
          },
        ]
      : [];
    const remarks = quality_remarks(face?.quality_parts);
    fill(
      this.shown,
      photo
        ? draw_photo(
            photo,
            marks,
            `${this.title}: ${file.name}${face ? ', the compared face marked' : ''}`,
            600,
          )
        : h('p', { class: 'muted' }, `${file.name} (this browser cannot show it)`),
      h('p', { class: 'hint file-name' }, file.name),
      remarks.length > 0 ? h('p', { class: 'hint' }, `The face is ${remarks.join(', ')}.`) : null,
    );
    photo?.preview.close();
  }
}

function verdict(answer: Verification): HTMLElement {
  if (answer.same === null)
    return notice(
      'warn',
      'The photos cannot be compared',
      answer.errors.map((one) => h('p', null, `${one.path}: ${one.message}`)),
    );
  const title = answer.same ? 'The same person' : 'Two different people';
  const box = notice(
    answer.same ? 'good' : 'info',
    title,
    h('p', null, promise_words(answer.promise)),
    answer.promise ? h('p', { class: 'hint' }, kMeasuredOnOthers) : null,
  );
  announce(`${title}. Score ${score(answer.score)}, threshold ${score(answer.threshold)}.`);
  return box;
}

function figures(answer: Verification): HTMLElement {
  const rows: [string, string][] = [
    ['Score', score(answer.score)],
    ['Threshold', score(answer.threshold)],
    ['Similarity (cosine)', score(answer.similarity)],
  ];
  if (answer.probability !== null)
    rows.push(['Probability of the same person', percent(answer.probability)]);
  return h('div', { class: 'card' }, facts_list(rows));
}

export const show_compare: View = ({ main, signal }: Place) => {
  const answer_place = h('div', { class: 'stack' });
  let turn = new AbortController();
  const strict = select_field(
    'How strict',
    [
      ['', 'As the server says'],
      ['0.01', 'At most 1 in 100 pairs of strangers'],
      ['0.001', 'At most 1 in 1,000 pairs of strangers'],
      ['0.0001', 'At most 1 in 10,000 pairs of strangers'],
    ],
    '',
  );
  const run = async (): Promise<void> => {
    turn.abort();
    if (!a.file || !b.file) return;
    turn = new AbortController();
    const form = new FormData();
    form.append('image_a', a.file, a.file.name);
    form.append('image_b', b.file, b.file.name);
    const words = h('p', { class: 'muted' });
    fill(answer_place, words);
    const on_step = (step: Step): void => fill(words, step_words(step));
    try {
      const answer = await ask_json<Verification>('/v1/verify', {
        method: 'POST',
        query: { far: strict.input.value },
        form,
        on_step,
        signal: AbortSignal.any([signal, turn.signal]),
      });
      fill(
        answer_place,
        verdict(answer),
        answer.same === null ? null : figures(answer),
        answer.warnings.map((text) => notice('warn', text)),
      );
      await Promise.all([a.draw(answer.a), b.draw(answer.b)]);
    } catch (error) {
      if (!is_abort(error))
        fill(
          answer_place,
          problem_notice(error, () => void run()),
        );
    }
  };
  const a = new Side('First photo', () => void run(), signal);
  const b = new Side('Second photo', () => void run(), signal);
  strict.input.addEventListener('change', () => void run());
  answer_place.append(
    empty_state(
      'Is it the same person?',
      'Choose two photos. If one shows several people, its largest face is compared.',
    ),
  );
  fill(
    main,
    h('h1', { tabindex: -1 }, 'Compare'),
    h('div', { class: 'columns' }, a.element, b.element),
    h('div', { class: 'card' }, strict.row),
    answer_place,
  );
};
