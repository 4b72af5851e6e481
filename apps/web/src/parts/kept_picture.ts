import { ask_blob, ask_json, path } from '../api/client';
import { Queue } from '../api/queue';
import type { EnrolledFace, Person } from '../api/types';
import { fill, h } from '../dom';
import { draw_face, open_photo } from '../photo';
import { icon } from './icon';

const queue = new Queue(4);

export function has_picture(face: EnrolledFace): boolean {
  return face.chip !== null || face.photo !== null;
}

/** An <img> cannot send the key, so the picture comes by a request of its own. Of a whole photo, the face is cut out. */
async function show(
  frame: HTMLElement,
  gallery: string,
  person: string,
  face: EnrolledFace,
  alt: string,
  signal: AbortSignal,
): Promise<void> {
  const target = path`/v1/galleries/${gallery}/persons/${person}/faces/${face.face_id}/image`;
  const blob = await queue.add(() => ask_blob(target, { signal }), signal);
  const photo = face.chip === null ? await queue.add(() => open_photo(blob, 2048), signal) : null;
  if (photo) {
    fill(frame, draw_face(photo, face.box, alt));
    return photo.preview.close();
  }
  const address = URL.createObjectURL(blob);
  signal.addEventListener('abort', () => URL.revokeObjectURL(address), { once: true });
  fill(frame, h('img', { src: address, alt, class: 'face' }));
}

function frame_without_picture(): HTMLElement {
  return h('span', { class: 'face none' }, icon('unknown'));
}

export function picture_of_face(
  gallery: string,
  person: string,
  face: EnrolledFace,
  alt: string,
  signal: AbortSignal,
): HTMLElement {
  const frame = frame_without_picture();
  if (has_picture(face)) show(frame, gallery, person, face, alt, signal).catch(() => undefined);
  return frame;
}

/** The first kept picture of a person, if there is one. */
export function picture_of_person(
  gallery: string,
  person: string,
  name: string,
  signal: AbortSignal,
): HTMLElement {
  const frame = frame_without_picture();
  const find = async (): Promise<void> => {
    const whole = await queue.add(
      () => ask_json<Person>(path`/v1/galleries/${gallery}/persons/${person}`, { signal }),
      signal,
    );
    const face = whole.faces.find(has_picture);
    if (face) await show(frame, gallery, person, face, `Kept picture of ${name}`, signal);
  };
  find().catch(() => undefined);
  return frame;
}
