/** Which page the URL's hash names: `#/`, `#/twin/ID` or `#/twin/ID/ATTRIBUTE`. */
import { signal } from '@preact/signals';

export interface Route {
  readonly twin?: string;
  readonly attribute?: string;
}

export const route = signal<Route>(read());

/** Follows the address bar. */
export function followHash(): void {
  addEventListener('hashchange', () => {
    const before = route.value.twin;
    route.value = read();
    // A new page begins at its top; opening a proof stays where it is.
    if (route.value.twin !== before) scrollTo(0, 0);
  });
}

export function twinHash(id: string, attribute?: string): string {
  const twin = `#/twin/${encodeURIComponent(id)}`;
  return attribute === undefined ? twin : `${twin}/${encodeURIComponent(attribute)}`;
}

function read(): Route {
  const [page, twin, attribute] = location.hash.slice(2).split('/');
  if (page !== 'twin' || !twin) return {};
  return {
    twin: decodeURIComponent(twin),
    ...(attribute ? { attribute: decodeURIComponent(attribute) } : {}),
  };
}
