import { h } from '../dom';
import { open_dialog } from './dialog';
import { notice } from './notice';

function why_not(error: unknown): [title: string, text: string] {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError')
    return [
      'The camera was refused',
      'Allow it for this page in the browser’s address bar, then try again.',
    ];
  if (name === 'NotFoundError' || name === 'OverconstrainedError')
    return ['No camera was found', 'Connect one, or choose a photo from a file.'];
  if (name === 'NotReadableError')
    return ['The camera is in use', 'Close the program that uses it, then try again.'];
  return ['The camera does not start', 'Choose a photo from a file instead.'];
}

async function open_stream(): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({
    video: { width: { ideal: 1280 }, height: { ideal: 960 }, facingMode: 'user' },
    audio: false,
  });
}

function take(video: HTMLVideoElement): Promise<File | null> {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  const time = new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');
  return new Promise((resolve) =>
    canvas.toBlob(
      (blob) => resolve(blob && new File([blob], `camera-${time}.jpg`, { type: 'image/jpeg' })),
      'image/jpeg',
      0.95,
    ),
  );
}

/** A photo from the camera, or null. The camera is off again when the dialog is gone. */
export async function photo_from_camera(): Promise<File | null> {
  if (!navigator.mediaDevices?.getUserMedia) {
    const text = window.isSecureContext
      ? 'This browser gives pages no camera. Choose a photo from a file instead.'
      : 'Browsers give the camera only to pages over HTTPS or on the same machine. Choose a photo from a file instead.';
    await open_dialog('Camera', notice('warn', 'There is no camera here', h('p', null, text)))
      .closed;
    return null;
  }
  let stream: MediaStream;
  try {
    stream = await open_stream();
  } catch (error) {
    const [title, text] = why_not(error);
    await open_dialog('Camera', notice('warn', title, h('p', null, text))).closed;
    return null;
  }
  let photo: File | null = null;
  const video = h('video', {
    autoplay: true,
    playsinline: true,
    'aria-label': 'What the camera sees',
  });
  video.muted = true;
  video.srcObject = stream;
  const shoot = h('button', { type: 'button', class: 'primary', disabled: true }, 'Take the photo');
  video.addEventListener('loadeddata', () => {
    shoot.disabled = false;
    shoot.focus();
  });
  shoot.addEventListener('click', async () => {
    photo = await take(video);
    dialog.close();
  });
  const dialog = open_dialog('Camera', video, h('div', { class: 'actions end' }, shoot));
  await dialog.closed;
  for (const track of stream.getTracks()) track.stop();
  return photo;
}
