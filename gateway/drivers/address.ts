/** The address of a broker or server, as far as it can be judged without asking anybody. */

/** What is wrong with the host or port of a url whose scheme was checked, for an operator. */
export function mistakeOfAddress(url: string): string | undefined {
  if (URL.canParse(url)) return undefined;
  return `"${url}" is no address: after the host comes a colon and a port from 0 to 65535, or nothing`;
}
