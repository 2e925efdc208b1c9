/**
 * Which answers may still come on a line whose frames have no number (RTU). A device answers in
 * order and each question at most once. So a frame answers one of the open questions of its shape,
 * at the earliest the first of them, and every question before that one is over: its answer can
 * no longer come. A frame is believed only when the open question is the first of its shape.
 *
 * The shape of a question is unit, function code and bytes of data. Where its shape is in doubt,
 * another question of another shape comes first (link.ts), whose answer ends the doubt.
 */
import type { Asked } from './frame.ts';

/** A shape that was asked for without an answer, from `first` to `last` as they were counted. */
interface Doubt {
  readonly code: number;
  readonly bytes: number | undefined;
  /** None of its open questions is earlier. */
  first: number;
  last: number;
}

/**
 * What a frame is: the answer to the open question, one that could be (or an earlier one's), or
 * none of its answers.
 */
export type Meaning = 'answer' | 'doubtful' | 'foreign';

export interface Heard {
  readonly unit: number;
  /** Function code of the question; that of an exception without its high bit. */
  readonly code: number;
  /** Bytes of data; `undefined` is an exception, which has the same shape for any of them. */
  readonly bytes: number | undefined;
}

/**
 * The questions of one line, across every connection to it: a serial server may hand on late
 * bytes to a connection that was made after them.
 */
export class AnswerOrder {
  readonly #doubts = new Map<number, Doubt[]>();
  readonly #heard = new Set<number>();
  #count = 0;
  #open: { readonly asked: Asked; readonly at: number } | undefined;

  get open(): Asked | undefined {
    return this.#open?.asked;
  }

  /**
   * Whether a frame could be taken for the answer to this question though it answers another one.
   * A unit that was not heard yet may be answering a question from before this program's start.
   */
  isDoubtful({ unit, code, bytes }: Asked): boolean {
    if (!this.#heard.has(unit)) return true;
    const doubts = this.#doubts.get(unit) ?? [];
    return doubts.some((doubt) => doubt.code === code && isSame(doubt.bytes, bytes));
  }

  /** Opens a question; one at a time. */
  ask(asked: Asked): void {
    this.#count += 1;
    this.#open = { asked, at: this.#count };
  }

  /** The open question has no answer, which may still come. */
  giveUp(): void {
    if (this.#open === undefined) return;
    const { asked, at } = this.#open;
    this.#open = undefined;
    const { bytes, code, unit } = asked;
    const doubts = this.#doubts.get(unit) ?? [];
    this.#doubts.set(unit, doubts);
    const same = doubts.find((doubt) => doubt.code === code && doubt.bytes === bytes);
    if (same === undefined) doubts.push({ code, bytes, first: at, last: at });
    else same.last = at;
  }

  /** A whole frame came; what it is. The open question is closed by its answer. */
  hear({ unit, code, bytes }: Heard): Meaning {
    const doubts = this.#doubts.get(unit) ?? [];
    const isOf = (shape: { readonly code: number; readonly bytes: number | undefined }) =>
      shape.code === code && (bytes === undefined || isSame(shape.bytes, bytes));
    const asked = this.#open?.asked;
    const isOpen = asked !== undefined && asked.unit === unit && isOf(asked);
    const earlier = doubts.filter(isOf).map(({ first }) => first);
    if (earlier.length > 0) {
      this.#endUpTo(unit, doubts, Math.min(...earlier));
      return isOpen ? 'doubtful' : 'foreign';
    }
    if (!isOpen) return 'foreign';
    this.#doubts.delete(unit);
    this.#heard.add(unit);
    this.#open = undefined;
    return 'answer';
  }

  #endUpTo(unit: number, doubts: readonly Doubt[], at: number): void {
    const left = doubts.filter((doubt) => doubt.last > at);
    for (const doubt of left) doubt.first = Math.max(doubt.first, at + 1);
    this.#doubts.set(unit, left);
  }
}

function isSame(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}
