/**
 * Scores of classes from a confusion table whose examples may be counted more or less than once, so
 * that a bootstrap can resample them: F1 (van Rijsbergen 1979) and Matthews' correlation.
 */
import type { Statistic } from '../stats/index.ts'

/** Row-major [classes, classes]: expected class by answered class. */
export interface Confusion {
  readonly classes: number
  readonly cells: Float64Array
}

/** A score of the confusion table, as a statistic of counted examples. */
export function confusionStatistic(
  answers: ArrayLike<number>,
  expected: ArrayLike<number>,
  classes: number,
  score: (confusion: Confusion) => number,
): Statistic {
  const cells = new Float64Array(classes * classes)
  return (counts) => {
    cells.fill(0)
    for (let i = 0; i < counts.length; i++) {
      cells[expected[i]! * classes + answers[i]!]! += counts[i]!
    }
    return score({ classes, cells })
  }
}

/** How many examples stand in each cell. */
export function confusionCells(
  answers: ArrayLike<number>,
  expected: ArrayLike<number>,
  classes: number,
): Float64Array {
  const cells = new Float64Array(classes * classes)
  for (let i = 0; i < answers.length; i++) cells[expected[i]! * classes + answers[i]!]! += 1
  return cells
}

/** 2 TP / (2 TP + FP + FN); 0 when there is nothing to find and nothing found. */
export function f1Of({ classes, cells }: Confusion, positive: number): number {
  const { expected, answered } = totalsOf({ classes, cells }, positive)
  const both = expected + answered
  return both === 0 ? 0 : (2 * cells[positive * (classes + 1)]!) / both
}

/** Mean of the F1 of all classes that are expected or answered. */
export function macroF1Of(confusion: Confusion): number {
  let [sum, present] = [0, 0]
  for (let label = 0; label < confusion.classes; label++) {
    const { expected, answered } = totalsOf(confusion, label)
    if (expected + answered === 0) continue
    sum += f1Of(confusion, label)
    present++
  }
  return sum / present
}

/**
 * Matthews' correlation in its form for any number of classes (Gorodkin 2004); 0 when undefined.
 */
export function matthewsOf(confusion: Confusion): number {
  const { classes, cells } = confusion
  let [n, right, product, expected2, answered2] = [0, 0, 0, 0, 0]
  for (let label = 0; label < classes; label++) {
    const { expected, answered } = totalsOf(confusion, label)
    n += expected
    right += cells[label * (classes + 1)]!
    product += expected * answered
    expected2 += expected * expected
    answered2 += answered * answered
  }
  const spread = (n * n - expected2) * (n * n - answered2)
  return spread <= 0 ? 0 : (right * n - product) / Math.sqrt(spread)
}

function totalsOf({ classes, cells }: Confusion, label: number) {
  let [expected, answered] = [0, 0]
  for (let other = 0; other < classes; other++) {
    expected += cells[label * classes + other]!
    answered += cells[other * classes + label]!
  }
  return { expected, answered }
}
