import { ApiError, ask_json, is_abort, path, photo_form, type Step } from '../api/client';
import type { Queue } from '../api/queue';
import type {
  Detection,
  Embeddings,
  EnrolledFace,
  Enrolment,
  Face,
  JudgedFace,
} from '../api/types';
import { type Child, fill, h, svg } from '../dom';
import { count, percent } from '../facts/format';
import { name_from_file } from '../facts/names';
import { advice, quality_remarks, reason_title } from '../facts/reasons';
import { draw_photo, open_photo, type Mark, type Photo, same_size } from '../photo';
import { marks_of } from '../parts/marks';
import { step_words } from '../parts/step';

export type Outcome = 'new' | 'working' | 'enrolled' | 'refused' | 'failed';

interface Where {
  gallery: string;
  person: string;
}

/** A photo of this machine, or one that the server fetches. */
export interface Source {
  name: string;
  file?: File;
  url?: string;
}

/** What the picture shows besides the photo; `size` is what the server saw, if it told. */
interface Shown {
  marks: Mark[];
  description: string;
  size?: { width: number; height: number };
}

/** Takes the room of a picture without its memory. */
function blank_like({ width, height }: HTMLCanvasElement): SVGSVGElement {
  return svg('svg', {
    class: 'photo',
    width,
    viewBox: `0 0 ${width} ${height}`,
    'aria-hidden': 'true',
  });
}

/** One photo on its way into a gallery, as a card that tells where it stands. */
export class EnrolItem {
  outcome: Outcome = 'new';
  readonly element: HTMLLIElement;
  readonly name_input: HTMLInputElement;
  private readonly frame = h('div', { class: 'frame' });
  private readonly state = h('div', { class: 'state' });
  private readonly bar = h('progress', { max: 1, value: 0, hidden: true });
  private shown: Shown;
  private visible = false;

  constructor(
    readonly source: Source,
    private readonly decoding: Queue,
    private readonly signal: AbortSignal,
    private readonly events: {
      changed: () => void;
      again: (item: EnrolItem, select?: string) => void;
      removed: (item: EnrolItem) => void;
    },
  ) {
    this.name_input = h('input', {
      value: name_from_file(source.name),
      'aria-label': `Person on ${source.name}`,
      autocomplete: 'off',
    });
    this.bar.setAttribute('aria-label', `Progress of ${source.name}`);
    this.element = h(
      'li',
      { class: 'card upload' },
      this.frame,
      h(
        'div',
        { class: 'grow stack small' },
        h('h3', { class: 'file-name' }, source.name),
        h('div', { class: 'each' }, this.name_input),
        this.bar,
        this.state,
      ),
    );
    this.shown = { marks: [], description: source.name };
    this.wait();
  }

  /** Its picture is held only while it is near the window: a list may have thousands. */
  show_picture(visible: boolean): void {
    this.visible = visible;
    if (visible) void this.draw();
    else
      for (const canvas of this.frame.querySelectorAll('canvas'))
        canvas.replaceWith(blank_like(canvas));
  }

  /** Resolved once the photo is enrolled, refused or has failed. */
  async enrol(
    where: () => Promise<Where>,
    queue: Queue,
    signal: AbortSignal,
    select?: string,
  ): Promise<void> {
    this.set('working', h('p', { class: 'muted' }, 'Waiting for its turn'));
    try {
      await queue.add(async () => {
        const { gallery, person } = await where();
        const answer = await ask_json<Enrolment>(
          path`/v1/galleries/${gallery}/persons/${person}/faces`,
          {
            method: 'POST',
            query: { select },
            ...this.body(),
            signal,
            on_step: (step) => this.step(step),
          },
        );
        await this.answered(answer, { gallery, person });
      }, signal);
    } catch (error) {
      await this.went_wrong(error);
    }
  }

  private async answered(answer: Enrolment, where: Where): Promise<void> {
    const enrolled = answer.enrolled[0];
    const refused = answer.refused[0];
    const failed = answer.errors[0];
    if (enrolled) {
      this.set(
        'enrolled',
        h('p', { class: 'good-text' }, `Enrolled, quality ${percent(enrolled.quality)}`),
      );
      await this.mark_enrolled(where, enrolled.face_id);
    } else if (refused) {
      await this.refuse(refused.reason, refused.message);
    } else {
      this.fail(
        failed?.message ?? 'The server did not say what became of the photo.',
        failed?.code ?? '',
      );
    }
  }

  private async went_wrong(error: unknown): Promise<void> {
    if (is_abort(error)) return this.wait('Stopped before it was enrolled.');
    if (!(error instanceof ApiError))
      return this.fail(error instanceof Error ? error.message : String(error), '');
    // 422: an image without a usable face; a duplicate is a conflict.
    if (error.status === 422 || error.code === 'duplicate' || error.code === 'expired')
      return this.refuse(error.code, error.detail);
    this.fail(error.detail || error.title, error.code);
  }

  private async refuse(reason: string, message: string): Promise<void> {
    const largest = h(
      'button',
      { type: 'button', click: () => this.events.again(this, 'largest') },
      'Enrol the largest face',
    );
    const remarks = h('p', { class: 'hint' });
    this.set(
      'refused',
      h('p', { class: 'warn-text' }, reason_title(reason)),
      h('p', null, message),
      remarks,
      h('p', { class: 'hint' }, advice(reason)),
      h(
        'div',
        { class: 'actions' },
        reason === 'many_faces' ? largest : null,
        this.remove_button(),
      ),
    );
    try {
      const words = await this.mark_refused(reason);
      if (words) remarks.textContent = words;
    } catch {
      // The answer stands without its picture.
    }
  }

  /** The faces that the server sees in a photo that it refused; the remarks on the one that was too poor. */
  private async mark_refused(reason: string): Promise<string> {
    if (!this.source.file) return ''; // nothing to draw on
    const form = photo_form('image', this.source.file);
    const poor = reason === 'low_quality';
    const seen = await ask_json<Detection | Embeddings>(poor ? '/v1/embed' : '/v1/detect', {
      method: 'POST',
      form,
      signal: this.signal,
    });
    const image = seen.images[0];
    if (!image) return '';
    const label = (face: Face, i: number): string =>
      'quality' in face
        ? percent(face.quality as number)
        : reason === 'many_faces'
          ? String(i + 1)
          : '';
    this.shown = {
      marks: marks_of(image.faces, reason === 'no_face' ? 'bad' : 'warn', label),
      description: `${this.source.name}, ${count(image.faces.length, 'face')} marked`,
      size: image,
    };
    await this.draw();
    const remarks = quality_remarks((image.faces[0] as JudgedFace | undefined)?.quality_parts);
    return poor && remarks.length > 0 ? `The face is ${remarks.join(', ')}.` : '';
  }

  private async mark_enrolled(where: Where, face_id: string): Promise<void> {
    try {
      const face = await ask_json<EnrolledFace>(
        path`/v1/galleries/${where.gallery}/persons/${where.person}/faces/${face_id}`,
        { signal: this.signal },
      );
      const mark: Mark = {
        box: face.box,
        landmarks: face.landmarks,
        label: percent(face.quality),
        tone: 'good',
      };
      this.shown = { marks: [mark], description: `${this.source.name}, the enrolled face marked` };
      await this.draw();
    } catch {
      // It is enrolled; only the picture of it is missing.
    }
  }

  private fail(message: string, code: string): void {
    this.set(
      'failed',
      h('p', { class: 'bad-text' }, reason_title(code)),
      h('p', null, message),
      h('p', { class: 'hint' }, advice(code)),
      h(
        'div',
        { class: 'actions' },
        h('button', { type: 'button', click: () => this.events.again(this) }, 'Try again'),
        this.remove_button(),
      ),
    );
  }

  private wait(why = 'Ready to be enrolled.'): void {
    this.set(
      'new',
      h('p', { class: 'muted' }, why),
      h('div', { class: 'actions' }, this.remove_button()),
    );
  }

  private remove_button(): HTMLElement {
    return h(
      'button',
      {
        type: 'button',
        class: 'quiet',
        'aria-label': `Take off the list: ${this.source.name}`,
        click: () => this.events.removed(this),
      },
      'Take off the list',
    );
  }

  private step(step: Step): void {
    this.bar.hidden = false;
    if (step.kind === 'sending') this.bar.value = step.fraction;
    else this.bar.removeAttribute('value');
    fill(this.state, h('p', { class: 'muted' }, step_words(step)));
  }

  private set(outcome: Outcome, ...content: Child[]): void {
    this.outcome = outcome;
    this.bar.hidden = true;
    this.element.dataset.outcome = outcome;
    this.name_input.disabled = outcome === 'working' || outcome === 'enrolled';
    fill(this.state, content);
    this.events.changed();
  }

  private body(): { form: FormData } | { json: object } {
    const { file, url } = this.source;
    return file ? { form: photo_form('image', file) } : { json: { url } };
  }

  private async open(): Promise<Photo | null> {
    return this.source.file ? open_photo(this.source.file, 480) : null;
  }

  private async draw(): Promise<void> {
    if (!this.visible) return;
    try {
      const photo = await this.decoding.add(() => this.open(), this.signal);
      if (!photo)
        return fill(
          this.frame,
          h(
            'p',
            { class: 'hint' },
            this.source.url ? 'Fetched by the server' : 'No preview in this browser',
          ),
        );
      const { marks, description, size } = this.shown;
      const fits = !size || same_size(photo, size);
      if (this.visible) fill(this.frame, draw_photo(photo, fits ? marks : [], description, 240));
      photo.preview.close();
    } catch {
      // The view was left.
    }
  }
}
