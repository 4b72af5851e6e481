import { fresh_id, h } from '../dom';
import { photo_from_camera } from './camera';
import { icon } from './icon';

interface Wanted {
  /** Names the control: 'Photos to enrol'. */
  label: string;
  multiple: boolean;
  on_photos: (photos: File[]) => void;
  /** Ends the listening for pasted photos; without one, nothing is taken from the clipboard. */
  paste?: AbortSignal;
}

function photos_in(files: FileList | null | undefined): File[] {
  return [...(files ?? [])].filter((file) => file.size > 0);
}

function listen_for_drops(zone: HTMLElement, take: (photos: File[]) => void): void {
  zone.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  zone.addEventListener('dragleave', () => zone.classList.remove('over'));
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    take(photos_in(event.dataTransfer?.files));
  });
}

/** Where photos come in: chosen, dropped, pasted or from the camera. */
export function dropzone(wanted: Wanted): HTMLElement {
  const id = fresh_id('photos');
  const take = (photos: File[]): void => {
    if (photos.length > 0) wanted.on_photos(wanted.multiple ? photos : photos.slice(0, 1));
  };
  const input = h('input', {
    type: 'file',
    id,
    class: 'hidden-text',
    accept: 'image/*,.heic,.heif,.avif',
    multiple: wanted.multiple,
    'aria-label': wanted.label,
    change: () => {
      take(photos_in(input.files));
      input.value = ''; // so that the same file can be chosen again
    },
  });
  const from_camera = async (): Promise<void> => {
    const photo = await photo_from_camera();
    if (photo) take([photo]);
  };
  const zone = h(
    'div',
    { class: 'drop', role: 'group', 'aria-label': wanted.label },
    h('div', { class: 'drop-icon' }, icon('photo')),
    h(
      'div',
      { class: 'actions' },
      h(
        'span',
        { class: 'file' },
        input,
        h(
          'label',
          { for: id, class: 'button primary', 'aria-hidden': 'true' },
          wanted.multiple ? 'Choose photos' : 'Choose a photo',
        ),
      ),
      h(
        'button',
        { type: 'button', click: () => void from_camera() },
        icon('camera'),
        'Use the camera',
      ),
    ),
    h(
      'p',
      { class: 'hint' },
      wanted.paste ? 'Or drop them here, or paste from the clipboard.' : 'Or drop it here.',
    ),
  );
  listen_for_drops(zone, take);
  if (wanted.paste)
    document.addEventListener(
      'paste',
      (event) => {
        const photos = photos_in(event.clipboardData?.files);
        if (photos.length === 0) return;
        event.preventDefault();
        take(photos);
      },
      { signal: wanted.paste },
    );
  return zone;
}

/** A photo dropped beside a zone would make the browser leave the page. */
export function keep_stray_drops(): void {
  for (const kind of ['dragover', 'drop'])
    window.addEventListener(kind, (event) => event.preventDefault());
}
