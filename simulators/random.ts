/** Chance from a seed, so that a simulated device does the same things again. */

/** A seeded source whose whole state is one number, which a device keeps with its own state. */
export interface SeededRandom {
  /** 32 bits, never 0; saving and setting it continues the same sequence. */
  state: number;
}

/** A source from any whole number; equal seeds give equal sequences. */
export function seededRandom(seed: number): SeededRandom {
  // Multiplying by an odd constant spreads small seeds over all 32 bits; 0 would stay 0 for ever.
  const state = Math.imul(seed | 0, 0x9e3779b1) ^ 0x2545f491;
  const random = { state: state === 0 ? 1 : state };
  for (let round = 0; round < 8; round += 1) next(random);
  return random;
}

/** The generator's step: xorshift32 with the triple (13, 17, 5) of Marsaglia, 2003. */
function next(random: SeededRandom): number {
  let bits = random.state;
  bits ^= bits << 13;
  bits ^= bits >>> 17;
  bits ^= bits << 5;
  random.state = bits;
  return bits >>> 0;
}

/** A number in [0, 1). */
export function fraction(random: SeededRandom): number {
  return next(random) / 4_294_967_296;
}

/** A normally distributed number with mean 0 and deviation 1 (Box and Muller). */
export function gaussian(random: SeededRandom): number {
  const radius = Math.sqrt(-2 * Math.log(1 - fraction(random)));
  return radius * Math.cos(2 * Math.PI * fraction(random));
}

/**
 * One step of a value that wanders about a mean (Ornstein-Uhlenbeck, exact for any step): it comes
 * back with time constant `tauS` and strays with long-run deviation `deviation`.
 */
export function wander(
  random: SeededRandom,
  value: number,
  about: { mean: number; deviation: number; tauS: number; elapsedS: number },
): number {
  const keep = Math.exp(-about.elapsedS / about.tauS);
  const noise = about.deviation * Math.sqrt(1 - keep * keep) * gaussian(random);
  return about.mean + (value - about.mean) * keep + noise;
}

/** Whether an event that comes once in `everyS` seconds on average comes within `elapsedS`. */
export function happens(random: SeededRandom, everyS: number, elapsedS: number): boolean {
  return fraction(random) < 1 - Math.exp(-elapsedS / everyS);
}
