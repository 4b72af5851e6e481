/** Addresses of views: #/galleries/people/persons/ada?tab=faces. Every part is percent-encoded. */
export interface Route {
  parts: string[];
  query: URLSearchParams;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function parse_route(hash: string): Route {
  const [way = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { parts: way.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

/** link`#/galleries/${name}` */
export function link(parts: TemplateStringsArray, ...values: string[]): string {
  return parts.reduce((all, part, i) => all + encodeURIComponent(values[i - 1] ?? '') + part);
}

/** Changes the query of the present address without a step in the history and without showing the view anew. */
export function remember(name: string, value: string): void {
  const [way = '', query = ''] = location.hash.split('?', 2);
  const pairs = new URLSearchParams(query);
  pairs.set(name, value);
  history.replaceState(null, '', `${way}?${pairs}`);
}
