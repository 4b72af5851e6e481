import { ask_blob } from '../api/client';

/** Saves what a request answers; the key cannot be sent by a plain link. */
export async function download(target: string, name: string): Promise<void> {
  const address = URL.createObjectURL(await ask_blob(target));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
