import { ask_json, is_abort, path, photo_form, type Step } from '../api/client';
import { Queue } from '../api/queue';
import type { Candidate, Identification, IdentifiedFace, IdentifiedImage } from '../api/types';
import { fill, h, svg } from '../dom';
import { count, percent, score } from '../facts/format';
import { kMeasuredOnOthers, promise_words } from '../facts/promise';
import { quality_remarks } from '../facts/reasons';
import { draw_face, draw_photo, open_photo, type Mark, type Photo, same_size } from '../photo';
import { dropzone } from '../parts/dropzone';
import { select_field, text_field } from '../parts/fields';
import { gallery_picker, no_gallery } from '../parts/gallery_picker';
import { picture_of_person } from '../parts/kept_picture';
import { announce, empty_state, notice, problem_notice } from '../parts/notice';
import { step_words } from '../parts/step';
import { link } from '../router';
import { galleries } from '../session';
import type { Place, View } from './view';

const kTop = 5;

interface Question {
  gallery: string;
  query: Record<string, string | number>;
}

/** Where the score lies between nothing and sameness, with a tick at the threshold. */
function score_bar(value: number, threshold: number, matched: boolean): SVGSVGElement {
  const at = (one: number): number => Math.max(0, Math.min(1, one)) * 100;
  return svg(
    'svg',
    {
      viewBox: '0 0 100 8',
      preserveAspectRatio: 'none',
      class: `bar ${matched ? 'good' : 'weak'}`,
      'aria-hidden': 'true',
    },
    svg('rect', { class: 'bar-back', width: 100, height: 8, rx: 2 }),
    svg('rect', { class: 'bar-value', width: at(value), height: 8, rx: 2 }),
    svg('rect', { class: 'bar-tick', x: Math.min(99, at(threshold)), width: 1, height: 8 }),
  );
}

function display_name(candidate: Candidate): string {
  return candidate.name || candidate.person;
}

/** Distances are accepted from the threshold down, similarities from it up. */
function reaches(candidate: Candidate, answer: Identification): boolean {
  const distance = answer.score_kind === 'l2' || answer.score_kind === 'squared_l2';
  return distance ? candidate.score <= answer.threshold : candidate.score >= answer.threshold;
}

function candidate_row(
  candidate: Candidate,
  answer: Identification,
  question: Question,
  signal: AbortSignal,
): HTMLElement {
  const matched = reaches(candidate, answer);
  const name = display_name(candidate);
  const scaled = answer.score_kind === 'cosine' || answer.score_kind === 'quality_aware';
  return h(
    'li',
    { class: matched ? 'candidate' : 'candidate below' },
    picture_of_person(question.gallery, candidate.person, name, signal),
    h(
      'div',
      { class: 'grow' },
      h('a', { href: link`#/galleries/${question.gallery}/persons/${candidate.person}` }, name),
      scaled ? score_bar(candidate.score, answer.threshold, matched) : null,
      h(
        'p',
        { class: 'hint' },
        `Score ${score(candidate.score)}, ${matched ? 'reaches' : 'below'} the threshold ${score(answer.threshold)}`,
      ),
    ),
  );
}

function face_title(face: IdentifiedFace, number: number): string {
  if (face.decision === 'unknown') return `Face ${number}: unknown`;
  const match = face.candidates.find((one) => one.person === face.person);
  return `Face ${number}: ${match ? display_name(match) : face.person}`;
}

function face_answer(
  face: IdentifiedFace,
  number: number,
  photo: Photo | null,
  answer: Identification,
  question: Question,
  signal: AbortSignal,
): HTMLElement {
  const unknown = face.decision === 'unknown';
  const remarks = quality_remarks(face.quality_parts);
  return h(
    'article',
    { class: 'answer' },
    h(
      'h3',
      null,
      h('span', { class: `dot ${unknown ? 'warn' : 'good'}`, 'aria-hidden': 'true' }),
      face_title(face, number),
    ),
    unknown
      ? h(
          'p',
          null,
          answer.persons === 0
            ? 'The gallery has nobody in it yet.'
            : 'Nobody in this gallery is similar enough.',
        )
      : null,
    remarks.length > 0 ? h('p', { class: 'hint' }, `The face is ${remarks.join(', ')}.`) : null,
    h(
      'div',
      { class: 'side-by-side' },
      h(
        'figure',
        null,
        photo ? draw_face(photo, face.box) : null,
        h('figcaption', { class: 'hint' }, `Quality ${percent(face.quality)}`),
      ),
      face.candidates.length === 0
        ? h('p', { class: 'muted' }, 'No candidate.')
        : h(
            'ol',
            { class: 'candidates', 'aria-label': `Candidates for face ${number}` },
            face.candidates.map((one) => candidate_row(one, answer, question, signal)),
          ),
    ),
  );
}

function summary(image: IdentifiedImage): string {
  if (image.faces.length === 0) return 'No face was found.';
  const known = image.faces.filter((face) => face.decision === 'match').length;
  return `${count(image.faces.length, 'face')}: ${known} recognised, ${image.faces.length - known} unknown.`;
}

function threshold_words(answer: Identification): HTMLElement {
  return h(
    'div',
    { class: 'promise' },
    h(
      'p',
      null,
      h('strong', null, `Threshold ${score(answer.threshold)}. `),
      promise_words(answer.promise),
    ),
    answer.promise ? h('p', { class: 'hint' }, kMeasuredOnOthers) : null,
  );
}

function show_answer(
  place: HTMLElement,
  answer: Identification,
  photo: Photo | null,
  question: Question,
  signal: AbortSignal,
): void {
  const image = answer.images[0];
  if (!image) {
    const failed = answer.errors[0];
    fill(
      place,
      notice(
        'bad',
        'The photo could not be searched',
        h('p', null, failed?.message ?? 'The server did not say why.'),
      ),
    );
    return;
  }
  const marks: Mark[] = image.faces.map((face, i) => ({
    box: face.box,
    landmarks: face.landmarks ?? null,
    label: String(i + 1),
    tone: face.decision === 'match' ? 'good' : 'warn',
  }));
  const drawn = photo && same_size(photo, image) ? photo : null;
  fill(
    place,
    h('p', { class: 'summary' }, summary(image)),
    (image.warnings ?? []).map((text) => notice('warn', text)),
    h(
      'div',
      { class: 'result' },
      drawn
        ? draw_photo(
            drawn,
            marks,
            `${image.path} with ${count(image.faces.length, 'face')} marked`,
            420,
          )
        : h(
            'p',
            { class: 'muted' },
            'This browser cannot show the photo; the server could read it.',
          ),
      h(
        'div',
        { class: 'stack' },
        image.faces.map((face, i) => face_answer(face, i + 1, drawn, answer, question, signal)),
        threshold_words(answer),
      ),
    ),
  );
  announce(
    `${image.path}: ${summary(image)} ${image.faces.map((face, i) => face_title(face, i + 1)).join('. ')}`,
  );
}

function options(changed: () => void): {
  element: HTMLElement;
  query: () => Record<string, string | number>;
} {
  const rate = select_field(
    'How strict',
    [
      ['', 'As the server says'],
      ['fpir:0.1', 'At most 1 in 10 strangers gets a name'],
      ['fpir:0.01', 'At most 1 in 100 strangers gets a name'],
      ['far:0.0001', 'At most 1 in 10,000 comparisons is wrong'],
      ['far:0.00001', 'At most 1 in 100,000 comparisons is wrong'],
      ['threshold', 'A threshold of my own'],
    ],
    '',
  );
  const own = text_field(
    'Threshold',
    { type: 'number', step: '0.01', min: -1, max: 2, value: '0.5' },
    'Scores from here on are a match. What it promises is then unknown.',
  );
  own.row.hidden = true;
  const top = select_field(
    'Candidates',
    ['1', '3', '5', '10'].map((n) => [n, n]),
    String(kTop),
  );
  rate.input.addEventListener('change', () => {
    own.row.hidden = rate.input.value !== 'threshold';
    changed();
  });
  for (const field of [own, top]) field.input.addEventListener('change', changed);
  return {
    element: h(
      'details',
      { class: 'options' },
      h('summary', null, 'Options'),
      h('div', { class: 'columns' }, rate.row, own.row, top.row),
    ),
    query: () => {
      const [kind = '', value = ''] = rate.input.value.split(':');
      const strict =
        kind === 'threshold' ? { threshold: own.input.value } : kind ? { [kind]: value } : {};
      return { top: top.input.value, ...strict };
    },
  };
}

/** One photo and its answer; asked again when the gallery or an option changes. */
class Asked {
  readonly element = h('section', { class: 'card' });
  private readonly body = h('div', { class: 'stack' });
  private turn = new AbortController();

  constructor(
    private readonly file: File,
    private readonly queue: Queue,
    private readonly signal: AbortSignal,
  ) {
    this.element.append(h('h2', { class: 'file-name' }, file.name), this.body);
  }

  async ask(question: Question): Promise<void> {
    this.turn.abort();
    this.turn = new AbortController();
    const signal = AbortSignal.any([this.signal, this.turn.signal]);
    const words = h('p', { class: 'muted' }, 'Waiting');
    fill(
      this.body,
      h('p', { class: 'loading' }, h('span', { class: 'spinner', 'aria-hidden': 'true' })),
      words,
    );
    const on_step = (step: Step): void => fill(words, step_words(step));
    try {
      const answer = await this.queue.add(
        () =>
          ask_json<Identification>(path`/v1/galleries/${question.gallery}/identify`, {
            method: 'POST',
            query: question.query,
            form: photo_form('image', this.file),
            signal,
            on_step,
          }),
        signal,
      );
      const photo = await this.queue.add(() => open_photo(this.file, 1280), signal);
      signal.throwIfAborted(); // another question was asked meanwhile
      show_answer(this.body, answer, photo, question, signal);
      photo?.preview.close();
    } catch (error) {
      if (!is_abort(error))
        fill(
          this.body,
          problem_notice(error, () => void this.ask(question)),
        );
    }
  }
}

export const show_search: View = async ({ main, route, session, signal }: Place) => {
  const all = await galleries(signal);
  if (all.length === 0)
    return fill(main, h('h1', { tabindex: -1 }, 'Search'), no_gallery(session.admin));
  const queue = new Queue(2);
  const asked: Asked[] = [];
  const answers = h('div', { class: 'stack' });
  const question = (): Question => ({ gallery: picker.input.value, query: settings.query() });
  const again = (): void => asked.forEach((one) => void one.ask(question()));
  const picker = gallery_picker(all, route, again);
  const settings = options(again);
  const empty = empty_state(
    'Who is in the photo?',
    'Every face gets an answer: the most similar people of the gallery with their scores, or unknown.',
  );
  const take = (photos: File[]): void => {
    empty.remove();
    for (const file of photos) {
      const one = new Asked(file, queue, signal);
      asked.push(one);
      answers.prepend(one.element);
      void one.ask(question());
    }
  };
  answers.append(empty);
  fill(
    main,
    h('h1', { tabindex: -1 }, 'Search'),
    h(
      'div',
      { class: 'card stack' },
      picker.row,
      dropzone({ label: 'Photos to search with', multiple: true, on_photos: take, paste: signal }),
      settings.element,
    ),
    answers,
  );
};
