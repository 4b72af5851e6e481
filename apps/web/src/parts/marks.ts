import type { Face } from '../api/types';
import type { Mark } from '../photo';

export function marks_of(
  faces: Face[],
  tone: Mark['tone'],
  label: (face: Face, i: number) => string,
): Mark[] {
  return faces.map((face, i) => ({
    box: face.box,
    landmarks: face.landmarks ?? null,
    label: label(face, i),
    tone,
  }));
}
