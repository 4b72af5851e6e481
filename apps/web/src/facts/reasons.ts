import type { QualityParts } from '../api/types';

/** What to do about a photo that was refused; the server's own sentence says what is wrong. */
const kAdvice: Record<string, string> = {
  no_face: 'Use a photo in which the face is upright, sharp and large enough to see both eyes.',
  many_faces: 'Crop the photo to one person, or take the largest face.',
  low_quality:
    'Take another photo: closer, sharper, evenly lit, looking at the camera. Or lower the quality that the gallery asks for.',
  duplicate:
    'This face is already in the gallery. Allow duplicates in its settings if that is what you want.',
  expired:
    'The consent or the time limit of this person has run out. Renew it on the person’s page first.',
  decode_failed:
    'The file is damaged or is no image. Open it in another program and save it as JPEG.',
  unsupported: 'Save the photo as JPEG, PNG, WebP or HEIC.',
  too_large: 'Make the photo smaller, then try again.',
  invalid_argument: 'Make the photo smaller, then try again.',
  no_person: 'Put the photo into a folder that is named by the person.',
  bad_name: 'Name the folder by the person, pack the archive again and import the photo.',
  ambiguous_person: 'Name the folder by the person’s id, which is on the person’s page.',
  not_a_photo: 'Save it as JPEG, PNG, WebP or HEIC if it is a photo; else leave it out.',
  encrypted: 'Pack the archive without a password.',
  method: 'Pack the archive as a common zip file.',
  forbidden: 'The key may not do this. Sign in with one that may.',
};

export function advice(code: string): string {
  return kAdvice[code] ?? '';
}

export function reason_title(code: string): string {
  const titles: Record<string, string> = {
    no_face: 'No face found',
    many_faces: 'More than one face',
    low_quality: 'Quality too low',
    duplicate: 'Already enrolled',
    expired: 'Person has expired',
    decode_failed: 'Not a readable image',
    unsupported: 'Format not supported',
    network: 'Server not reached',
  };
  return titles[code] ?? 'Not enrolled';
}

/** What in a face speaks against it, in plain words; rules of thumb for a person, not the server's own sum. */
export function quality_remarks(parts: QualityParts | null | undefined): string[] {
  if (!parts) return [];
  const remarks: string[] = [];
  const { eye_distance_px, yaw_deg, pitch_deg, roll_deg } = parts;
  if (eye_distance_px !== null && eye_distance_px < 40)
    remarks.push(`small: ${Math.round(eye_distance_px)} px between the eyes`);
  if (yaw_deg !== null && Math.abs(yaw_deg) > 30)
    remarks.push(`turned sideways by ${Math.round(Math.abs(yaw_deg))}°`);
  if (pitch_deg !== null && Math.abs(pitch_deg) > 25)
    remarks.push(`looks up or down by ${Math.round(Math.abs(pitch_deg))}°`);
  if (roll_deg !== null && Math.abs(roll_deg) > 30)
    remarks.push(`tilted by ${Math.round(Math.abs(roll_deg))}°`);
  return remarks;
}
