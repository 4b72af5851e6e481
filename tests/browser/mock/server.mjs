// A small stand-in for `visavis serve`: the same routes, answers of the same shape (checked against openapi.json), no
// networks. Names of photos steer it (see faces.mjs); `busy-…` answers 429 and `down-…` 503 the first time.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { look } from './faces.mjs';
import { faults, operation_of } from './schema.mjs';

const kRoot = fileURLToPath(new URL('../../..', import.meta.url));
const kPage = join(kRoot, 'apps/web/dist');
const kTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
export const kPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const kThreshold = 0.412;
const kNow = 1_764_200_000;

/** What "is" at every address: the head of a PNG of 320 × 240, which is all that the mock looks at. */
const kFetched = Buffer.from(
  '89504e470d0a1a0a0000000d49484452' + '00000140' + '000000f0' + '0802000000',
  'hex',
);

class Refusal extends Error {
  constructor(status, code, title, detail) {
    super(detail);
    Object.assign(this, { status, code, title });
  }
}
const not_found = (what) => new Refusal(404, 'not_found', 'Not found', `${what} is not here.`);

function parts_of(type, body) {
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1];
  if (!boundary) throw new Refusal(400, 'bad_request', 'Bad request', 'The form has no boundary.');
  const mark = Buffer.from(`--${boundary}`);
  const parts = [];
  for (let at = body.indexOf(mark); at >= 0; ) {
    const next = body.indexOf(mark, at + mark.length);
    if (next < 0) break;
    const part = body.subarray(at + mark.length + 2, next - 2);
    const split = part.indexOf('\r\n\r\n');
    const head = part.subarray(0, split).toString();
    parts.push({
      field: /name="([^"]*)"/.exec(head)?.[1],
      name: /filename="([^"]*)"/.exec(head)?.[1] ?? 'image',
      bytes: part.subarray(split + 4),
    });
    at = next;
  }
  return parts;
}

const seconds = (value) =>
  value === null || value === undefined
    ? null
    : typeof value === 'number'
      ? value
      : Date.parse(value) / 1000;

/** Everything that a mock holds. */
class State {
  constructor(options) {
    this.galleries = new Map();
    this.keys = [
      {
        key: 'k1',
        tenant: 'default',
        scope: 'admin',
        note: 'first key',
        created: kNow,
        expires_at: null,
      },
    ];
    this.secrets = new Map(options.key ? [[options.key, 'admin']] : []);
    if (options.read_key) this.secrets.set(options.read_key, 'read');
    this.audit = [];
    this.jobs = [];
    this.busy = new Map();
    this.requests = 0;
    this.next = 1;
    this.options = options;
  }

  note(action, more) {
    this.audit.unshift({
      time: new Date().toISOString(),
      request: `r${this.requests}`,
      key: 'k1',
      action,
      outcome: 'done',
      ...more,
    });
  }
  gallery(name) {
    const found = this.galleries.get(name);
    if (!found) throw not_found('The gallery');
    return found;
  }
  job(id) {
    const found = this.jobs.find((one) => one.job === id);
    if (!found) throw not_found('The job');
    return found;
  }
  person(gallery, id) {
    const found = this.gallery(gallery).people.get(id);
    if (!found) throw not_found('The person');
    return found;
  }
}

const kOutcomes = [
  { item: 0, path: 'Ada/1.jpg', result: 'succeeded', person: 'p1', face_id: 'f1' },
  { item: 1, path: 'Ada/2.jpg', result: 'succeeded', person: 'p1', face_id: 'f2' },
  {
    item: 2,
    path: 'Ada/sea.jpg',
    result: 'refused',
    reason: 'no_face',
    message: 'no face was found',
  },
  {
    item: 3,
    path: 'Ada/torn.jpg',
    result: 'failed',
    reason: 'decode_failed',
    message: 'the file is damaged',
  },
];
const told_job = (job) => ({ schema: 'visavis.job/1', ...job, errors: [] });

/** Two photos further each time that it is asked for. */
function go_on(job) {
  if (job.ended !== null || job.slow) return;
  job.done = Math.min(job.done + 2, kOutcomes.length);
  const so_far = kOutcomes.slice(0, job.done).map((one) => one.result);
  for (const result of ['succeeded', 'refused', 'failed'])
    job[result] = so_far.filter((one) => one === result).length;
  job.per_second = 14.2;
  if (job.done === kOutcomes.length) Object.assign(job, { state: 'done', ended: kNow });
}

const told_gallery = (one) => ({
  ...one.settings,
  persons: one.people.size,
  faces: [...one.people.values()].reduce((sum, person) => sum + person.faces.length, 0),
  model: 'ab1eed1147f2f986',
  dimension: 512,
  bytes: 184_320,
  encryption: 'none',
  created: kNow,
});
const told_face = ({ who, bytes, type, ...face }) => face;
const told_person = (one) => ({ ...one, faces: one.faces.map(told_face) });

function once(state, name, status, title) {
  const tries = (state.busy.get(name) ?? 0) + 1;
  state.busy.set(name, tries);
  if (tries === 1 || name.includes('always'))
    throw new Refusal(
      status,
      status === 429 ? 'too_many_requests' : 'unavailable',
      title,
      'Too much waits. Try again later.',
    );
}

function seen(state, photo) {
  if (photo.name.startsWith('busy')) once(state, photo.name, 429, 'Too many requests');
  if (photo.name.startsWith('down')) once(state, photo.name, 503, 'Not now');
  const found = look(photo.name, photo.bytes);
  if (!found)
    throw new Refusal(
      415,
      'decode_failed',
      'Not an image that can be read',
      `${photo.name}: this is no image.`,
    );
  return found;
}

/** What is told of each photo, its faces as `told` says. */
function seen_all(state, photos, told) {
  return photos.map((photo) => {
    const { width, height, faces } = seen(state, photo);
    return { path: photo.name, width, height, faces: faces.map(told) };
  });
}

function change_person(person, said) {
  if ('name' in said) person.name = said.name;
  if ('attributes' in said) person.attributes = said.attributes;
  if ('consent_basis' in said) person.consent_basis = said.consent_basis;
  if ('consent_at' in said) person.consent_at = seconds(said.consent_at);
  if ('expires_at' in said) person.expires_at = seconds(said.expires_at);
}

function refuse_face(state, gallery, person, image, photo, largest) {
  if (person.expires_at !== null && person.expires_at < Date.now() / 1000)
    throw new Refusal(422, 'expired', 'Expired', `${photo.name}: the person has expired.`);
  if (image.faces.length === 0)
    throw new Refusal(422, 'no_face', 'No usable face', `${photo.name}: no face was found.`);
  if (image.faces.length > 1 && !largest)
    throw new Refusal(
      422,
      'many_faces',
      'No usable face',
      `${photo.name}: ${image.faces.length} faces were found, one is wanted.`,
    );
  const face = image.faces[0];
  if (face.quality < gallery.settings.min_quality)
    throw new Refusal(
      422,
      'low_quality',
      'No usable face',
      `${photo.name}: the quality is ${face.quality}, at least ${gallery.settings.min_quality} is wanted.`,
    );
  const same = [...gallery.people.values()]
    .flatMap((one) => one.faces)
    .some((one) => one.source === photo.name && one.bytes.equals(photo.bytes));
  if (same && !gallery.settings.allow_duplicates)
    throw new Refusal(
      409,
      'duplicate',
      'Conflict',
      `${photo.name}: this face is enrolled already.`,
    );
  return face;
}

const candidate = (person, score) => ({
  person: person.person,
  name: person.name,
  similarity: score,
  score,
});

function candidates(gallery, face, top) {
  const scored = [...gallery.people.values()]
    .filter((one) => one.faces.length > 0)
    .map((one, i) =>
      candidate(one, one.faces.some((known) => known.who === face.who) ? 0.731 : 0.118 - 0.01 * i),
    );
  return scored.sort((a, b) => b.score - a.score).slice(0, top);
}

const judged = (face) => ({
  box: face.box,
  confidence: face.confidence,
  landmarks: face.landmarks,
  quality: face.quality,
  quality_parts: face.parts,
});

const kMetrics = (state) => `# HELP visavis_requests_total Requests that were answered
# TYPE visavis_requests_total counter
visavis_requests_total{route="/v1/galleries/{gallery}/identify",method="POST",status="200"} ${1204 + state.requests}
visavis_requests_total{route="/v1/galleries",method="GET",status="200"} 96
visavis_requests_total{route="/v1/galleries/{gallery}/persons/{person}/faces",method="POST",status="422"} 7
visavis_requests_total{route="/v1/galleries/{gallery}/identify",method="POST",status="503"} 3
# HELP visavis_request_seconds From a request's head to the last byte of its answer
# TYPE visavis_request_seconds histogram
visavis_request_seconds_count{route="/v1/galleries/{gallery}/identify"} 1204
visavis_request_seconds_sum{route="/v1/galleries/{gallery}/identify"} 60.2
visavis_request_seconds_bucket{route="/v1/galleries/{gallery}/identify",le="0.025"} 120
visavis_request_seconds_bucket{route="/v1/galleries/{gallery}/identify",le="0.05"} 800
visavis_request_seconds_bucket{route="/v1/galleries/{gallery}/identify",le="0.1"} 1180
visavis_request_seconds_bucket{route="/v1/galleries/{gallery}/identify",le="+Inf"} 1204
# TYPE visavis_refusals_total counter
visavis_refusals_total{reason="no_face"} 5
visavis_refusals_total{reason="low_quality"} 2
# TYPE visavis_batch_photos histogram
visavis_batch_photos_count 640
visavis_batch_photos_sum 1301
visavis_batch_photos_bucket{le="1"} 250
visavis_batch_photos_bucket{le="2"} 420
visavis_batch_photos_bucket{le="4"} 590
visavis_batch_photos_bucket{le="8"} 640
visavis_batch_photos_bucket{le="+Inf"} 640
# TYPE visavis_engine_info gauge
visavis_engine_info{engine="openvino",precision="f32",detector="mtcnn",recogniser="faceplugin-512",model="ab1eed1147f2f986"} 1
visavis_queue_photos 2
visavis_queue_photos_max 17
visavis_queue_refused_total{reason="full"} 3
visavis_photos_total 1301
visavis_stage_seconds_total{stage="decode"} 9.1
visavis_stage_seconds_total{stage="analyse"} 44.6
visavis_connections 4
visavis_requests_now 1
process_resident_memory_bytes 412000256
${[...state.galleries.values()].map((one) => `visavis_gallery_persons{tenant="default",gallery="${one.settings.gallery}"} ${one.people.size}\nvisavis_gallery_faces{tenant="default",gallery="${one.settings.gallery}"} ${told_gallery(one).faces}`).join('\n')}
`;

const kModels = [
  {
    id: 'faceplugin-512',
    title: 'MobileFaceNet-like recogniser, 512 numbers',
    role: 'recogniser',
    weights_licence: 'MIT (package)',
    training_data: 'unknown',
    fetched: true,
  },
  {
    id: 'mtcnn',
    title: 'MTCNN cascade',
    role: 'detector',
    weights_licence: 'MIT (package)',
    training_data: 'WIDER FACE, CelebA',
    fetched: true,
  },
  {
    id: 'mobilefacenet-192',
    title: 'MobileFaceNet, 192 numbers',
    role: 'recogniser',
    weights_licence: 'Apache-2.0 (package)',
    training_data: 'unknown',
    fetched: false,
  },
];
const kEngines = [
  { name: 'openvino', usable: true, version: '2026.4.1', reason: null },
  { name: 'onnxruntime', usable: false, version: null, reason: 'its library is not installed' },
  { name: 'reference', usable: true, version: '1', reason: null },
];

/** By operationId; answers [status, JSON]. */
const kAnswers = {
  live: () => [200, { status: 'ok' }],
  ready: () => [200, { status: 'ok' }],
  models: () => [200, { schema: 'visavis.models/1', models: kModels, errors: [] }],
  engines: () => [200, { schema: 'visavis.engines/1', engines: kEngines, errors: [] }],
  session: ({ scope }) => [
    200,
    { schema: 'visavis.session/1', tenant: 'default', scope, errors: [] },
  ],
  detect: ({ state, photos }) => {
    const images = seen_all(state, photos, ({ box, confidence, landmarks }) => ({
      box,
      confidence,
      landmarks,
    }));
    return [200, { schema: 'visavis.detect/1', images, errors: [] }];
  },
  embed: ({ state, photos }) => {
    const images = seen_all(state, photos, (face) => ({
      ...judged(face),
      norm: 21.4,
      embedding: [],
    }));
    return [
      200,
      {
        schema: 'visavis.embeddings/1',
        images,
        errors: [],
        model: 'ab1eed1147f2f986',
        dimension: 512,
      },
    ];
  },
  verify: ({ state, photos, query }) => {
    const [a, b] = ['image_a', 'image_b']
      .map((field) => photos.find((photo) => photo.field === field))
      .map((photo) => ({ photo, image: seen(state, photo) }));
    for (const { photo, image } of [a, b])
      if (image.faces.length === 0)
        throw new Refusal(422, 'no_face', 'No usable face', `${photo.name}: no face was found.`);
    const same = a.image.faces[0].who === b.image.faces[0].who;
    const score = same ? 0.731 : 0.082;
    const promise = { kind: 'far', value: Number(query.get('far') ?? 0.001) };
    return [
      200,
      {
        schema: 'visavis.verify/1',
        same,
        similarity: score,
        score,
        probability: same ? 0.999 : 0.001,
        threshold: kThreshold,
        score_kind: 'cosine',
        promise,
        a: judged(a.image.faces[0]),
        b: judged(b.image.faces[0]),
        warnings: [],
        errors: [],
      },
    ];
  },
  list_galleries: ({ state }) => [
    200,
    {
      schema: 'visavis.galleries/1',
      galleries: [...state.galleries.values()].map(told_gallery),
      errors: [],
    },
  ],
  make_gallery: ({ state, json }) => {
    if (state.galleries.has(json.gallery))
      throw new Refusal(
        409,
        'conflict',
        'Conflict',
        `There is a gallery ${json.gallery} already. Choose another name.`,
      );
    const made = {
      settings: {
        description: '',
        min_quality: 0.1,
        keep: 'none',
        allow_duplicates: false,
        ...json,
      },
      people: new Map(),
    };
    state.galleries.set(json.gallery, made);
    state.note('make_gallery', { gallery: json.gallery });
    return [201, told_gallery(made)];
  },
  show_gallery: ({ state, path }) => [200, told_gallery(state.gallery(path.gallery))],
  change_gallery: ({ state, path, json }) => {
    const gallery = state.gallery(path.gallery);
    Object.assign(gallery.settings, json);
    return [200, told_gallery(gallery)];
  },
  remove_gallery: ({ state, path }) => {
    state.gallery(path.gallery);
    state.galleries.delete(path.gallery);
    state.note('remove_gallery', { gallery: path.gallery });
    return [204];
  },
  export_gallery: ({ state, path }) => {
    state.gallery(path.gallery);
    return [200, Buffer.from('archive'), 'application/octet-stream'];
  },
  list_persons: ({ state, path, query }) => {
    const all = [...state.gallery(path.gallery).people.values()].filter(
      (one) =>
        one.number > Number(query.get('after') ?? 0) &&
        one.name.toLowerCase().includes((query.get('name') ?? '').toLowerCase()),
    );
    const limit = Number(query.get('limit') ?? 100);
    const page = all.slice(0, limit);
    return [
      200,
      {
        schema: 'visavis.gallery-list/1',
        persons: page.map((one) => ({ ...one, faces: one.faces.length })),
        next: all.length > limit ? page.at(-1).number : null,
        errors: [],
      },
    ];
  },
  make_person: ({ state, path, json }) => {
    const { people } = state.gallery(path.gallery);
    const number = state.next++;
    const made = {
      schema: 'visavis.gallery-person/1',
      person: json.person ?? `p${number}`,
      name: '',
      number,
      attributes: {},
      consent_basis: null,
      consent_at: null,
      expires_at: null,
      created: kNow,
      faces: [],
      errors: [],
    };
    change_person(made, json);
    people.set(made.person, made);
    state.note('make_person', { gallery: path.gallery, person: made.person });
    return [201, told_person(made)];
  },
  show_person: ({ state, path }) => [200, told_person(state.person(path.gallery, path.person))],
  change_person: ({ state, path, json }) => {
    const person = state.person(path.gallery, path.person);
    change_person(person, json);
    return [200, told_person(person)];
  },
  remove_person: ({ state, path }) => {
    state.person(path.gallery, path.person);
    state.gallery(path.gallery).people.delete(path.person);
    state.note('remove_person', { gallery: path.gallery, person: path.person });
    return [204];
  },
  export_person: ({ state, path }) => {
    const person = state.person(path.gallery, path.person);
    return [
      200,
      {
        schema: 'visavis.person-export/1',
        person: told_person(person),
        model: 'ab1eed1147f2f986',
        dimension: 512,
        embeddings: [],
        files: [],
        errors: [],
      },
    ];
  },
  enrol_faces: ({ state, path, query, photos }) => {
    const gallery = state.gallery(path.gallery);
    const person = state.person(path.gallery, path.person);
    const enrolled = photos.map((photo) => {
      const found = refuse_face(
        state,
        gallery,
        person,
        seen(state, photo),
        photo,
        query.get('select') === 'largest',
      );
      const kept = gallery.settings.keep;
      const face = {
        face_id: `f${state.next++}`,
        quality: found.quality,
        norm: 21.4,
        box: found.box,
        landmarks: found.landmarks,
        source: photo.name,
        enrolled_at: kNow,
        chip: kept === 'chips' ? 'chip.png' : null,
        photo: kept === 'photos' ? 'photo.jpg' : null,
        who: found.who,
        bytes: Buffer.from(photo.bytes),
        type: /png$/.test(photo.name) ? 'image/png' : 'image/jpeg',
      };
      person.faces.push(face);
      state.note('enrol', { gallery: path.gallery, person: path.person, face: face.face_id });
      return {
        path: photo.name,
        person: person.person,
        face_id: face.face_id,
        quality: face.quality,
      };
    });
    return [201, { schema: 'visavis.enrol/1', enrolled, refused: [], errors: [] }];
  },
  list_faces: ({ state, path }) => [
    200,
    {
      schema: 'visavis.faces/1',
      faces: state.person(path.gallery, path.person).faces.map(told_face),
      errors: [],
    },
  ],
  show_face: ({ state, path }) => [200, told_face(face_of(state, path))],
  remove_face: ({ state, path }) => {
    const person = state.person(path.gallery, path.person);
    person.faces.splice(person.faces.indexOf(face_of(state, path)), 1);
    return [204];
  },
  face_image: ({ state, path }) => {
    const face = face_of(state, path);
    return [200, face.bytes, face.type];
  },
  identify: ({ state, path, query, photos }) => {
    const gallery = state.gallery(path.gallery);
    const persons = gallery.people.size;
    const own = query.get('threshold');
    const threshold = own ? Number(own) : kThreshold;
    const images = photos.map((photo) => {
      const { width, height, faces } = seen(state, photo);
      return {
        path: photo.name,
        width,
        height,
        faces: faces.map((face) => {
          const found = candidates(gallery, face, Number(query.get('top') ?? 1));
          const match = found[0]?.score >= threshold ? found[0].person : null;
          return {
            ...judged(face),
            decision: match ? 'match' : 'unknown',
            person: match,
            candidates: found,
          };
        }),
      };
    });
    const promise = own
      ? null
      : { kind: 'fpir', value: Number(query.get('fpir') ?? 0.01), gallery_size: 1000 };
    return [
      200,
      {
        schema: 'visavis.identify/1',
        images,
        threshold,
        score_kind: 'cosine',
        promise,
        persons,
        fusion: 'best',
        errors: [],
      },
    ];
  },
  import_photos: ({ state, path }) => {
    state.gallery(path.gallery);
    const job = {
      job: `j${state.next++}`,
      kind: 'import_zip',
      gallery: path.gallery,
      key: 'k1',
      state: 'running',
      cancelling: false,
      created: kNow,
      started: kNow,
      ended: null,
      total: 4,
      done: 0,
      succeeded: 0,
      refused: 0,
      failed: 0,
      per_second: null,
      message: null,
    };
    state.jobs.unshift(job);
    return [202, told_job(job)];
  },
  list_jobs: ({ state }) => {
    state.jobs.forEach(go_on);
    return [200, { schema: 'visavis.jobs/1', jobs: state.jobs, errors: [] }];
  },
  show_job: ({ state, path, query }) => {
    const all = kOutcomes.filter((one) => one.result === (query.get('result') ?? one.result));
    return [200, { ...told_job(state.job(path.id)), outcomes: all, next: null }];
  },
  end_job: ({ state, path }) => {
    const job = state.job(path.id);
    if (job.ended !== null) {
      state.jobs.splice(state.jobs.indexOf(job), 1);
      return [204];
    }
    Object.assign(job, { state: 'cancelled', ended: kNow });
    return [202, told_job(job)];
  },
  list_keys: ({ state }) => [200, { schema: 'visavis.keys/1', keys: state.keys, errors: [] }],
  make_key: ({ state, json }) => {
    const made = {
      key: `k${state.next++}`,
      tenant: 'default',
      scope: json.scope,
      note: json.note ?? '',
      created: kNow,
      expires_at: seconds(json.expires_at),
    };
    const secret = `vv_${made.key}_0123456789abcdef`;
    state.keys.push(made);
    state.secrets.set(secret, json.scope);
    return [201, { schema: 'visavis.key/1', ...made, secret, errors: [] }];
  },
  remove_key: ({ state, query }) => {
    const at = state.keys.findIndex((one) => one.key === query.get('key'));
    if (at < 0) throw not_found('The key');
    state.keys.splice(at, 1);
    return [204];
  },
  audit: ({ state, query }) => {
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Number(query.get('limit') ?? 100);
    return [
      200,
      {
        schema: 'visavis.audit/1',
        entries: state.audit.slice(from, to),
        next: to < state.audit.length ? String(to) : null,
        errors: [],
      },
    ];
  },
};

function face_of(state, path) {
  const found = state
    .person(path.gallery, path.person)
    .faces.find((one) => one.face_id === path.face);
  if (!found) throw not_found('The face');
  return found;
}

const kRank = { read: 0, enrol: 1, admin: 2 };

function check_key(state, request, operation) {
  if (!state.options.key || !operation['x-scope']) return 'admin';
  const scope = state.secrets.get(
    /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '',
  );
  if (!scope) throw new Refusal(401, 'unauthorized', 'A key is needed', 'Send an API key.');
  if (kRank[scope] < kRank[operation['x-scope']])
    throw new Refusal(403, 'forbidden', 'Not allowed', 'The key may not do this.');
  return scope;
}

function check_shape(api, operation, status, value) {
  const schema = operation.responses[status]?.content?.['application/json']?.schema;
  if (!operation.responses[status])
    throw new Error(`${operation.operationId} does not answer ${status}`);
  const wrong = schema ? faults(value, schema, api) : [];
  if (wrong.length > 0) throw new Error(`mock of ${operation.operationId}: ${wrong.join('; ')}`);
}

async function body_of(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function answer_page(path, response) {
  const file = join(kPage, normalize(path === '/' ? '/index.html' : path));
  const bytes = await readFile(file).catch(() => null);
  response.writeHead(bytes ? 200 : 404, {
    'Content-Type': kTypes[extname(file)] ?? 'application/octet-stream',
    'Content-Security-Policy': kPolicy,
    'X-Content-Type-Options': 'nosniff',
    'Permissions-Policy': 'camera=(self), microphone=(), geolocation=()',
  });
  response.end(bytes ?? '');
}

async function answer_api(state, api, request, url, [operation, path], response) {
  const scope = check_key(state, request, operation);
  const body = await body_of(request);
  const type = request.headers['content-type'] ?? '';
  const json = type === 'application/json' ? JSON.parse(body.toString()) : null;
  const photos = type.startsWith('multipart/') ? parts_of(type, body) : [];
  if (json?.url) photos.push({ field: 'image', name: json.url.split('/').at(-1), bytes: kFetched });
  const [status, value, kind] = kAnswers[operation.operationId]({
    state,
    scope,
    path,
    query: url.searchParams,
    json,
    photos,
  });
  if (Buffer.isBuffer(value)) {
    response.writeHead(status, { 'Content-Type': kind });
    return response.end(value);
  }
  check_shape(api, operation, status, value);
  response.writeHead(status, value === undefined ? {} : { 'Content-Type': 'application/json' });
  response.end(value === undefined ? undefined : JSON.stringify(value));
}

function answer_refusal(error, response, mock) {
  const known = error instanceof Refusal;
  if (!known) mock.defects.push(error.stack);
  const { status, code, title, message } = known
    ? error
    : { status: 500, code: 'internal', title: 'A defect of the mock', message: error.message };
  response.writeHead(status, {
    'Content-Type': 'application/problem+json',
    ...(status === 429 || status === 503 ? { 'Retry-After': '1' } : {}),
  });
  response.end(
    JSON.stringify({ type: `urn:visavis:problem:${code}`, title, status, detail: message, code }),
  );
}

/** options: key (asked for then), read_key, urls (photos by address are described as allowed). */
export async function start_mock(options = {}) {
  const api = JSON.parse(readFileSync(join(kRoot, 'apps/server/openapi.json'), 'utf8'));
  const faces =
    api.paths['/v1/galleries/{gallery}/persons/{person}/faces'].post.requestBody.content[
      'application/json'
    ].schema.properties;
  if (!options.urls) delete faces.url;
  const state = new State(options);
  const mock = { defects: [], state };
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://mock');
    const found = operation_of(api, request.method, url.pathname);
    state.requests += 1;
    if (url.pathname === '/openapi.json')
      return response
        .writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify(api));
    if (url.pathname === '/metrics')
      return response
        .writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' })
        .end(kMetrics(state));
    const answering = found
      ? answer_api(state, api, request, url, found, response)
      : answer_page(url.pathname, response);
    answering.catch((error) => answer_refusal(error, response, mock));
  });
  await new Promise((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  mock.url = `http://127.0.0.1:${server.address().port}`;
  mock.close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return mock;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await start_mock({
    port: Number(process.env.PORT ?? 23001),
    key: process.env.KEY,
    urls: true,
  });
  console.log(mock.url);
}
