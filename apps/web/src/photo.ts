import type { Box, Point } from './api/types';

/** A photo as the browser shows it: upright (EXIF applied, as the server does), scaled down to a preview. */
export interface Photo {
  preview: ImageBitmap;
  /** Of the whole photo; boxes are in its pixels. */
  width: number;
  height: number;
}

export interface Mark {
  box: Box;
  landmarks?: Point[] | null;
  label?: string;
  tone: 'good' | 'warn' | 'bad';
}

/** Null for what this browser cannot show; the server may still read it (HEIC, say). */
export async function open_photo(file: Blob, max_side: number): Promise<Photo | null> {
  try {
    const all = await createImageBitmap(file, { imageOrientation: 'from-image' });
    const { width, height } = all;
    const scale = Math.min(1, max_side / Math.max(width, height));
    if (scale === 1) return { preview: all, width, height };
    const preview = await createImageBitmap(all, {
      resizeWidth: Math.max(1, Math.round(width * scale)),
      resizeHeight: Math.max(1, Math.round(height * scale)),
      resizeQuality: 'medium',
    });
    all.close();
    return { preview, width, height };
  } catch {
    return null;
  }
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const kTones = { good: '#3ddc97', warn: '#ffc247', bad: '#ff6b6b' };

function draw_label(
  context: CanvasRenderingContext2D,
  mark: Mark,
  scale: number,
  unit: number,
): void {
  if (!mark.label) return;
  const size = 14 * unit;
  context.font = `600 ${size}px ${colour('--font') || 'sans-serif'}`;
  const wide = context.measureText(mark.label).width + size;
  const high = size * 1.5;
  const left = Math.max(0, Math.min(mark.box.x * scale, context.canvas.width - wide));
  const top = Math.max(0, mark.box.y * scale - high);
  context.fillStyle = kTones[mark.tone];
  context.fillRect(left, top, wide, high);
  context.fillStyle = '#10181b';
  context.textBaseline = 'middle';
  context.fillText(mark.label, left + size / 2, top + high / 2);
}

function draw_mark(
  context: CanvasRenderingContext2D,
  mark: Mark,
  scale: number,
  unit: number,
): void {
  const { x, y, width, height } = mark.box;
  // A dark line under the bright one, so that it is seen on any photo.
  for (const [style, line] of [
    ['#0009', 5],
    [kTones[mark.tone], 2.5],
  ] as const) {
    context.strokeStyle = style;
    context.lineWidth = line * unit;
    context.strokeRect(x * scale, y * scale, width * scale, height * scale);
  }
  for (const [px, py] of mark.landmarks ?? []) {
    context.beginPath();
    // Points name pixel centres, the canvas counts from edges.
    context.arc((px + 0.5) * scale, (py + 0.5) * scale, 2.2 * unit, 0, 2 * Math.PI);
    context.fillStyle = kTones[mark.tone];
    context.strokeStyle = '#0009';
    context.lineWidth = unit;
    context.fill();
    context.stroke();
  }
  draw_label(context, mark, scale, unit);
}

/** Canvas with the photo and the marks; `description` is what a screen reader says of it. */
export function draw_photo(
  photo: Photo,
  marks: Mark[],
  description: string,
  shown_px = 480,
): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = photo.preview.width;
  canvas.height = photo.preview.height;
  canvas.className = 'photo';
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', description);
  const context = canvas.getContext('2d');
  if (!context) return canvas;
  context.drawImage(photo.preview, 0, 0);
  const unit = Math.max(0.5, Math.max(canvas.width, canvas.height) / shown_px);
  for (const mark of marks) draw_mark(context, mark, canvas.width / photo.width, unit);
  return canvas;
}

/** The face with a margin, square; without a description decorative, since text beside it says what it is. */
export function draw_face(
  photo: Photo,
  box: Box,
  description?: string,
  side = 176,
): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  canvas.className = 'face';
  if (description) {
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', description);
  } else {
    canvas.setAttribute('aria-hidden', 'true');
  }
  const scale = photo.preview.width / photo.width;
  const span = Math.max(box.width, box.height) * 1.3 * scale;
  const left = (box.x + box.width / 2) * scale - span / 2;
  const top = (box.y + box.height / 2) * scale - span / 2;
  canvas.getContext('2d')?.drawImage(photo.preview, left, top, span, span, 0, 0, side, side);
  return canvas;
}

/** Boxes belong to the photo as shown only if both sides agree on its size. */
export function same_size(photo: Photo, seen: { width: number; height: number }): boolean {
  return photo.width === seen.width && photo.height === seen.height;
}
