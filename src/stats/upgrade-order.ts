/**
 * In which order things get better that have several steps each: always the next step, of any of them, that saves
 * most loss for a byte (the greedy order of the knapsack problem, Dantzig 1957).
 */

/** One thing's loss and size at each step, the first where all begin. */
export interface Ladder {
  readonly name: string
  readonly steps: readonly { readonly loss: number; readonly bytes: number }[]
}

export interface Upgrade {
  readonly name: string
  /** The step it goes to. */
  readonly to: number
  /** Loss saved; negative where the step is worse. */
  readonly saved: number
  /** Bytes added; negative where the step is smaller. */
  readonly bytes: number
}

/** Every step of every ladder, once. */
export function upgradeOrder(ladders: readonly Ladder[]): Upgrade[] {
  const at = ladders.map(() => 0)
  const nextOf = ({ name, steps }: Ladder, from: number): Upgrade | undefined => {
    const [now, next] = [steps[from]!, steps[from + 1]]
    if (!next) return undefined
    return { name, to: from + 1, saved: now.loss - next.loss, bytes: next.bytes - now.bytes }
  }
  const worth = ({ saved, bytes }: Upgrade): number => saved / Math.max(1, bytes)
  const order: Upgrade[] = []
  for (;;) {
    let best: { index: number; upgrade: Upgrade } | undefined
    for (const [index, ladder] of ladders.entries()) {
      const upgrade = nextOf(ladder, at[index]!)
      if (upgrade && (!best || worth(upgrade) > worth(best.upgrade))) best = { index, upgrade }
    }
    if (!best) return order
    at[best.index]!++
    order.push(best.upgrade)
  }
}

/** The fewest steps that pass, from 1, looked for by doubling and then by halving; undefined where `most` do not. */
export async function fewest(
  most: number,
  passes: (count: number) => Promise<boolean>,
): Promise<number | undefined> {
  let [low, high] = [0, 1]
  for (;;) {
    if (low >= most) return undefined
    high = Math.min(high, most)
    if (await passes(high)) break
    low = high
    high *= 2
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (await passes(middle)) high = middle
    else low = middle
  }
  return high
}
