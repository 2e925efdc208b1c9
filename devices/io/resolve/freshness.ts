/** For how long a web server calls what it sent fresh (RFC 9111). */

/**
 * Milliseconds from now, or `undefined` when the server says nothing: `max-age` less the `Age` that
 * caches on the way added (RFC 9111 §4.2), and none at all under `no-store` or `no-cache`.
 */
export function maxAgeOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): number | undefined {
  const said = headers['cache-control'];
  if (typeof said !== 'string') return undefined;
  const directives = said.split(',').map((directive) => directive.trim().toLowerCase());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const seconds = directives.map((one) => /^max-age="?(\d{1,9})"?$/.exec(one)?.[1]).find(Boolean);
  if (seconds === undefined) return undefined;
  const { age } = headers;
  const ageS = typeof age === 'string' && /^\d{1,9}$/.test(age) ? Number(age) : 0;
  return Math.max(0, Number(seconds) - ageS) * 1000;
}
