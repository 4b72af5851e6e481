// What the mock "sees": by the photo's name, for there is no network behind it. The boxes of the demo's public-domain
// portraits are where visavis detect finds them.

const kPortraits = {
  'obama.jpg': {
    who: 'obama',
    width: 910,
    height: 1137,
    box: [367, 79, 249, 349],
    points: [
      [445, 215],
      [552, 214],
      [498, 278],
      [436, 325],
      [557, 321],
    ],
  },
  'obama2.jpg': {
    who: 'obama',
    width: 626,
    height: 1200,
    box: [190, 213, 282, 425],
    points: [
      [251, 364],
      [375, 382],
      [285, 447],
      [247, 522],
      [351, 529],
    ],
  },
  'obama3.jpg': {
    who: 'obama',
    width: 1434,
    height: 2333,
    box: [634, 249, 280, 363],
    points: [
      [738, 384],
      [861, 401],
      [811, 441],
      [733, 511],
      [845, 529],
    ],
  },
  'biden.jpg': {
    who: 'biden',
    width: 970,
    height: 2204,
    box: [427, 167, 286, 393],
    points: [
      [535, 319],
      [655, 345],
      [598, 407],
      [519, 462],
      [625, 480],
    ],
  },
  'astronaut.png': {
    who: 'astronaut',
    width: 512,
    height: 512,
    box: [181, 62, 87, 110],
    points: [
      [205, 102],
      [247, 104],
      [225, 129],
      [202, 139],
      [245, 142],
    ],
  },
};

const kParts = {
  eye_distance_px: 107,
  yaw_deg: 4,
  pitch_deg: -3,
  roll_deg: 1,
  sharpness: 0.8,
  contrast: 0.6,
  exposure: 0.5,
  norm: 21.4,
};

/** Width and height from the file's own head; PNG and JPEG (upright: EXIF orientations 5 to 8 swap them). */
export function size_of(bytes) {
  if (bytes.readUInt32BE(0) === 0x89504e47)
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  if (bytes.readUInt16BE(0) !== 0xffd8) return null;
  let turned = false;
  for (let at = 2; at + 9 < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes.readUInt16BE(at);
    if (marker === 0xffe1 && bytes.toString('latin1', at + 4, at + 8) === 'Exif')
      turned ||= orientation_of(bytes.subarray(at + 10)) >= 5;
    if (marker >= 0xffc0 && marker <= 0xffc2) {
      const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
      return turned ? { width: height, height: width } : { width, height };
    }
  }
  return null;
}

function orientation_of(tiff) {
  const little = tiff.toString('latin1', 0, 2) === 'II';
  const u16 = (at) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const u32 = (at) => (little ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  const directory = u32(4);
  for (let i = 0; i < u16(directory); i += 1)
    if (u16(directory + 2 + 12 * i) === 0x112) return u16(directory + 2 + 12 * i + 8);
  return 1;
}

function face(box, points, quality, who, extra = {}) {
  const [x, y, width, height] = box;
  return {
    who,
    quality,
    box: { x, y, width, height },
    landmarks: points,
    confidence: 0.998,
    parts: { ...kParts, ...extra },
  };
}

function middle(width, height, part) {
  const [w, h] = [width * part, height * part];
  const [x, y] = [(width - w) / 2, (height - h) / 2];
  return [
    [x, y, w, h],
    [
      [0.3, 0.4],
      [0.7, 0.4],
      [0.5, 0.6],
      [0.35, 0.8],
      [0.65, 0.8],
    ].map(([px, py]) => [x + px * w, y + py * h]),
  ];
}

/** Null for what is no image. `who` is whom the face belongs to: the photo's name up to a digit. */
export function look(name, bytes) {
  const size = bytes.length > 24 ? size_of(bytes) : null;
  if (!size) return null;
  const { width, height } = size;
  const known = kPortraits[name];
  if (known && known.width === width && known.height === height)
    return { width, height, faces: [face(known.box, known.points, 0.86, known.who)] };
  if (name.startsWith('noface')) return { width, height, faces: [] };
  const [box, points] = middle(width, height, 0.5);
  const who = /^[a-z]+/.exec(name)?.[0] ?? 'somebody';
  if (name.startsWith('two')) {
    const [x, y, w, h] = box;
    const moved = points.map(([px, py]) => [px / 2, py]);
    return {
      width,
      height,
      faces: [
        face([x, y, w, h], points, 0.8, 'twoa'),
        face([x / 2, y, w / 3, h / 2], moved, 0.5, 'twob'),
      ],
    };
  }
  if (name.startsWith('poor'))
    return {
      width,
      height,
      faces: [face(box, points, 0.21, who, { eye_distance_px: 14, yaw_deg: 52 })],
    };
  return { width, height, faces: [face(box, points, 0.74, who)] };
}
