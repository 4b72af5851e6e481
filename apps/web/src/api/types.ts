/** The server's answers, as /openapi.json describes them; only what the page reads. */

export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
}
export interface PhotoError {
  path: string;
  code: string;
  message: string;
}
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}
export type Point = [number, number];

export interface Face {
  box: Box;
  confidence: number;
  landmarks?: Point[] | null;
}
export interface QualityParts {
  eye_distance_px: number | null;
  yaw_deg: number | null;
  pitch_deg: number | null;
  roll_deg: number | null;
  sharpness: number | null;
  contrast: number | null;
  exposure: number | null;
  norm: number | null;
}
export interface JudgedFace extends Face {
  quality: number;
  quality_parts: QualityParts;
}
export interface DescribedImage {
  path: string;
  width: number;
  height: number;
  warnings?: string[];
  faces: JudgedFace[];
}
export interface Embeddings {
  images: DescribedImage[];
  errors: PhotoError[];
}
export interface DetectedImage {
  path: string;
  width: number;
  height: number;
  warnings?: string[];
  faces: Face[];
}
export interface Detection {
  images: DetectedImage[];
  errors: PhotoError[];
}

export interface Promised {
  kind: 'far' | 'fpir';
  value: number;
  gallery_size?: number;
  extrapolated?: boolean;
}
export type ScoreKind = 'cosine' | 'l2' | 'squared_l2' | 'quality_aware';

export interface Verification {
  same: boolean | null;
  similarity: number | null;
  score: number | null;
  probability: number | null;
  threshold: number;
  score_kind: ScoreKind;
  promise: Promised | null;
  a: JudgedFace | null;
  b: JudgedFace | null;
  warnings: string[];
  errors: PhotoError[];
}
export interface Candidate {
  person: string;
  name: string;
  similarity: number;
  score: number;
}
export interface IdentifiedFace extends JudgedFace {
  decision: 'match' | 'unknown';
  person: string | null;
  candidates: Candidate[];
}
export interface IdentifiedImage {
  path: string;
  width: number;
  height: number;
  warnings?: string[];
  faces: IdentifiedFace[];
}
export interface Identification {
  images: IdentifiedImage[];
  threshold: number;
  score_kind: ScoreKind;
  promise: Promised | null;
  persons: number;
  errors: PhotoError[];
}

export interface Enrolled {
  path: string;
  person: string;
  face_id: string;
  quality: number;
}
export interface Refused {
  path: string;
  reason: string;
  message: string;
}
export interface Enrolment {
  enrolled: Enrolled[];
  refused: Refused[];
  errors: PhotoError[];
}

export type Keep = 'none' | 'chips' | 'photos';
export interface GallerySettings {
  description?: string;
  min_quality?: number;
  keep?: Keep;
  allow_duplicates?: boolean;
}
export interface Gallery {
  gallery: string;
  description?: string;
  min_quality: number;
  keep: Keep;
  allow_duplicates?: boolean;
  persons: number;
  faces: number;
  model?: string | null;
  dimension?: number;
  index?: string;
  bytes?: number;
  encryption?: string;
  created?: number;
}

export interface PersonFacts {
  person: string;
  name: string;
  number: number;
  attributes: Record<string, unknown>;
  consent_basis: string | null;
  consent_at: number | null;
  expires_at: number | null;
  created: number;
}
export interface PersonSummary extends PersonFacts {
  faces: number;
}
export interface EnrolledFace {
  face_id: string;
  quality: number;
  norm: number;
  box: Box;
  landmarks: Point[] | null;
  source: string;
  enrolled_at: number;
  chip: string | null;
  photo: string | null;
}
export interface Person extends PersonFacts {
  faces: EnrolledFace[];
}
export interface PersonChange {
  name?: string;
  attributes?: Record<string, unknown>;
  consent_basis?: string | null;
  consent_at?: string | number | null;
  expires_at?: string | number | null;
}

export type Scope = 'read' | 'enrol' | 'admin';
export interface Key {
  key: string;
  tenant: string;
  scope: Scope;
  note: string;
  created: number;
  expires_at: number | null;
}
export interface AuditEntry {
  time: string;
  request?: string;
  key?: string;
  action: string;
  gallery?: string;
  person?: string;
  face?: string;
  outcome?: string;
}

/** Many photos on their way into a gallery. */
export interface Job {
  job: string;
  gallery: string | null;
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  cancelling: boolean;
  created: number;
  started: number | null;
  ended: number | null;
  total: number | null;
  done: number;
  succeeded: number;
  refused: number;
  failed: number;
  per_second: number | null;
  message: string | null;
}
export interface JobOutcome {
  item: number;
  path: string;
  result: 'succeeded' | 'refused' | 'failed';
  reason?: string;
  message?: string;
}
export interface JobDetails extends Job {
  outcomes: JobOutcome[];
  next: string | null;
}

export interface Model {
  id: string;
  title: string;
  role: string;
  input?: string;
  dimension?: number;
  weights_licence: string;
  training_data: string;
  notes?: string;
  calibrated?: boolean;
  fetched: boolean;
}
export interface Engine {
  name: string;
  usable: boolean;
  version: string | null;
  reason: string | null;
}
