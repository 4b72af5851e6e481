import { ApiError, api_key, ask_json, set_api_key } from './api/client';
import type { Gallery, Scope } from './api/types';

/** What the page knows of the server and of what its user may do. */
export interface Session {
  /** The server asks for no key. */
  open: boolean;
  scope: Scope;
  tenant: string;
  /** May make galleries and keys, too. */
  admin: boolean;
  /** May add, change and remove people. */
  enrols: boolean;
  /** Photos may be named by an address. */
  urls: boolean;
}

interface OpenApi {
  paths?: Record<
    string,
    Record<
      string,
      { requestBody?: { content?: Record<string, { schema?: { properties?: object } }> } }
    >
  >;
}

/** The server's own description says whether a photo may be given as a URL. */
async function urls_allowed(): Promise<boolean> {
  try {
    const api = await ask_json<OpenApi>('/openapi.json');
    const faces = api.paths?.['/v1/galleries/{gallery}/persons/{person}/faces']?.post;
    return 'url' in (faces?.requestBody?.content?.['application/json']?.schema?.properties ?? {});
  } catch {
    return false;
  }
}

/** Null when the server wants a key that it has not got. */
export async function open_session(): Promise<Session | null> {
  try {
    const { scope, tenant } = await ask_json<{ scope: Scope; tenant: string }>('/v1/session');
    return {
      open: api_key() === null,
      scope,
      tenant,
      admin: scope === 'admin',
      enrols: scope !== 'read',
      urls: await urls_allowed(),
    };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    set_api_key(null);
    return null;
  }
}

export async function galleries(signal?: AbortSignal): Promise<Gallery[]> {
  const answer = await ask_json<{ galleries: Gallery[] }>(
    '/v1/galleries',
    signal ? { signal } : {},
  );
  return answer.galleries;
}
