/**
 * Logits of many classes as the few highest and one number for all others (Wu et al. 2022, TinyViT: what is
 * left of the probability is spread evenly). The others' logit is chosen so that at the temperature which the
 * student learns at, the highest keep their probabilities exactly.
 */

/** A row in its sparse form. */
export interface SparseLogits {
  /** The highest classes, the highest first. */
  readonly classes: Uint32Array
  /** Their logits, then the one of every other class. */
  readonly logits: Float32Array
}

/** The `top` highest of a row with more classes than that; at temperature T. */
export function sparseLogits(row: Float32Array, top: number, temperature: number): SparseLogits {
  const order = Uint32Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b)
  const classes = order.slice(0, top)
  const rest = order.subarray(top)
  const highest = row[rest[0]!]!
  // T·ln(mean of exp(l/T)), from the highest of them so that nothing overflows
  const sum = rest.reduce((total, id) => total + Math.exp((row[id]! - highest) / temperature), 0)
  const logits = new Float32Array(top + 1)
  classes.forEach((id, i) => {
    logits[i] = row[id]!
  })
  logits[top] = highest + temperature * Math.log(sum / rest.length)
  return { classes, logits }
}

/** Writes the row of all classes into `into`. */
export function denseLogits({ classes, logits }: SparseLogits, into: Float32Array): void {
  into.fill(logits[classes.length]!)
  classes.forEach((id, i) => {
    into[id] = logits[i]!
  })
}
