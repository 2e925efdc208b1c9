/**
 * What of a damaged WAL must be noticed, from where the bytes differ from those that SQLite wrote;
 * nothing here looks at checksums (https://www.sqlite.org/fileformat2.html, section 4).
 */
const HEADER = 32;
const FRAME_HEADER = 24;
const SECTOR = 512;

/**
 * Whether a committed transaction cannot be seen any more that had surely been synced: behind the
 * damage stands, unchanged, the frame of a commit and one more, of the next transaction, without
 * which a power cut might have left all that. Of the frame at the edge of the damage the header
 * must be unchanged, and lie in one sector. `whole` has no older frames behind its end.
 */
export function mustBeNoticed(whole: Buffer, damaged: Buffer): boolean {
  const frame = FRAME_HEADER + whole.readUInt32BE(8);
  const count = Math.floor((whole.length - HEADER) / frame);
  const begin = (at: number) => HEADER + at * frame;
  const isSame = (from: number, to: number) =>
    damaged.length >= to && whole.subarray(from, to).equals(damaged.subarray(from, to));
  const isFrame = (at: number) => at < count && isSame(begin(at), begin(at + 1));
  const isEdge = (at: number) =>
    isSame(begin(at), begin(at) + FRAME_HEADER) && (begin(at) % SECTOR) + FRAME_HEADER <= SECTOR;
  const isCommit = (at: number) => whole.readUInt32BE(begin(at) + 4) > 0;
  let isBehind = !isSame(0, HEADER);
  for (let at = 0; at < count; at += 1) {
    const isHere = isFrame(at);
    // The chain begins in the frame before this one, or in this one where that has lost its sum.
    const isInside = isHere && at > 0 && isFrame(at - 1);
    if (isBehind && isCommit(at) && isFrame(at + 1) && (isInside || isEdge(at))) return true;
    isBehind ||= !isHere;
    // A damaged frame may be the edge itself.
    if (!isHere && isCommit(at) && isFrame(at + 1) && isEdge(at)) return true;
  }
  return false;
}
