/** What `distillation.ts` has shown so far. */
import { textTable } from '../src/report/table.ts'
import { mean, standardDeviation } from '../src/stats/index.ts'
import { distillationSets, type Side, sides } from './distillation-sets.ts'

/** A run that ended. */
export interface RunRecord {
  readonly set: string
  readonly student: string
  readonly side: Side
  readonly rate: number
  readonly seed: number
  /** Whether it chose a learning rate, or is judged. */
  readonly stage: 'choose' | 'judge'
  readonly name: string
  /** On the held-out tenth, or on the test set. */
  readonly metric: number
  readonly steps: number
  readonly seconds: number
  readonly command: string
}

/** A line a set and student: means of both sides, their difference and its standard error. */
export function distillationTable(runs: Readonly<Record<string, RunRecord>>): string {
  const right = (title: string) => ({ title, align: 'right' }) as const
  const all = Object.values(runs)
  const rows = Object.entries(distillationSets).flatMap(([set, { title, seeds, students }]) =>
    Object.entries(students).map(([student, recipe]) => {
      const of = { distilled: student, alone: recipe.alone ?? student }
      const own = all.filter((run) => run.set === set && run.student === of[run.side])
      const judged = sides.map((side) =>
        own.filter((run) => run.stage === 'judge' && run.side === side),
      )
      const values = judged.map((side) => side.map(({ metric }) => 100 * metric))
      const cells = judged.map((side, i) =>
        side.length === 0
          ? '–'
          : `${mean(values[i]!).toFixed(2)} % (${side.length} of ${seeds}, ${side[0]!.rate})`,
      )
      const [distilled, alone] = values as [number[], number[]]
      const enough = distilled.length === seeds && alone.length === seeds
      if (!enough) return [title, student, ...cells, `${own.length} runs done`, '', '']
      const gain = mean(distilled) - mean(alone)
      const error = Math.sqrt(
        [distilled, alone].reduce(
          (sum, side) => sum + standardDeviation(side) ** 2 / side.length,
          0,
        ),
      )
      const steps = judged[0]![0]!.steps
      return [
        ...[title, student, ...cells],
        `${gain >= 0 ? '+' : '−'}${Math.abs(gain).toFixed(2)} ± ${error.toFixed(2)}`,
        `${steps}`,
        gain > 2 * error ? 'shown' : 'NOT SHOWN',
      ]
    }),
  )
  const columns = [
    { title: 'set' },
    { title: 'student' },
    ...['distilled (seeds, rate)', 'alone (seeds, rate)', 'difference ± error', 'steps'].map(right),
    { title: '> 2 errors' },
  ]
  return textTable({ columns, rows }).text
}
