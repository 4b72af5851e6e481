import { retry_delay_ms } from './retry';
import type { Problem } from './types';

/** What a request failed with: a problem document of the server, or no answer at all (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail || title);
  }
}

export type Step =
  | { kind: 'sending'; fraction: number }
  | { kind: 'answering' }
  | { kind: 'waiting'; seconds: number };

export interface Ask {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  query?: Record<string, string | number | null | undefined>;
  json?: unknown;
  form?: FormData;
  /** A file as it is, with its media type. */
  body?: Blob;
  type?: string;
  signal?: AbortSignal;
  /** Told while a photo is sent and while the server asks to wait. */
  on_step?: (step: Step) => void;
}

interface Reply {
  status: number;
  body: Blob;
  retry_after: string | null;
}

const kKeyName = 'visavis.key';
let on_unauthorized = (): void => {};

export function api_key(): string | null {
  return sessionStorage.getItem(kKeyName);
}
export function set_api_key(key: string | null): void {
  if (key) sessionStorage.setItem(kKeyName, key);
  else sessionStorage.removeItem(kKeyName);
}
export function when_unauthorized(call: () => void): void {
  on_unauthorized = call;
}

/** '/v1/galleries/a%2Fb' from path`/v1/galleries/${'a/b'}`. */
export function path(parts: TemplateStringsArray, ...values: string[]): string {
  return parts.reduce((all, part, i) => all + encodeURIComponent(values[i - 1] ?? '') + part);
}

function address(target: string, query: Ask['query']): string {
  const pairs = Object.entries(query ?? {}).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  );
  if (pairs.length === 0) return target;
  return `${target}?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

/** XMLHttpRequest, because fetch does not tell how much of a body was sent. */
function send_once(target: string, ask: Ask): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(ask.method ?? 'GET', address(target, ask.query));
    request.responseType = 'blob';
    const key = api_key();
    if (key) request.setRequestHeader('Authorization', `Bearer ${key}`);
    if (ask.json !== undefined) request.setRequestHeader('Content-Type', 'application/json');
    if (ask.type) request.setRequestHeader('Content-Type', ask.type);
    const { on_step, signal } = ask;
    if (on_step) {
      request.upload.onprogress = (event) =>
        on_step({ kind: 'sending', fraction: event.total > 0 ? event.loaded / event.total : 0 });
      request.upload.onload = () => on_step({ kind: 'answering' });
    }
    request.onload = () =>
      resolve({
        status: request.status,
        body: request.response as Blob,
        retry_after: request.getResponseHeader('Retry-After'),
      });
    request.onerror = () =>
      reject(
        new ApiError(
          0,
          'network',
          'The server does not answer',
          'Check that it runs and that you are connected, then try again.',
        ),
      );
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    if (signal?.aborted) return reject(new DOMException('aborted', 'AbortError'));
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.send(
      ask.json !== undefined ? JSON.stringify(ask.json) : (ask.body ?? ask.form ?? null),
    );
  });
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(new DOMException('aborted', 'AbortError'));
      },
      { once: true },
    );
  });
}

async function problem_of(reply: Reply): Promise<ApiError> {
  try {
    const problem = JSON.parse(await reply.body.text()) as Partial<Problem>;
    return new ApiError(
      reply.status,
      problem.code ?? 'unknown',
      problem.title ?? `The server answered ${reply.status}`,
      problem.detail ?? '',
    );
  } catch {
    return new ApiError(
      reply.status,
      'unknown',
      `The server answered ${reply.status}`,
      'It did not say why.',
    );
  }
}

async function send(target: string, ask: Ask): Promise<Blob> {
  for (let tries = 1; ; tries += 1) {
    const reply = await send_once(target, ask);
    if (reply.status >= 200 && reply.status < 300) return reply.body;
    const wait = retry_delay_ms(reply.status, reply.retry_after, tries, Date.now());
    if (wait === null) {
      if (reply.status === 401) on_unauthorized();
      throw await problem_of(reply);
    }
    ask.on_step?.({ kind: 'waiting', seconds: Math.ceil(wait / 1000) });
    await pause(wait, ask.signal);
  }
}

export async function ask_json<T>(target: string, ask: Ask = {}): Promise<T> {
  const body = await (await send(target, ask)).text();
  return (body === '' ? null : JSON.parse(body)) as T;
}
export async function ask_text(target: string, ask: Ask = {}): Promise<string> {
  return (await send(target, ask)).text();
}
export function ask_blob(target: string, ask: Ask = {}): Promise<Blob> {
  return send(target, ask);
}

export function is_abort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

export function photo_form(field: string, photo: File): FormData {
  const form = new FormData();
  form.append(field, photo, photo.name);
  return form;
}
