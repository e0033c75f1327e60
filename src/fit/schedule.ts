/**
 * Learning rates by step: warm-up from nothing, then a fall to nothing or none, as Hugging Face's schedulers
 * have them. Pure functions of the step, so that a run that is taken up again has the same rates.
 */
import { LimbeckError, nearest } from '../errors.ts'

/** Shape of the fall after warm-up: `done` of it, from 0 to 1, gives the share of the peak. */
const falls = {
  linear: (done: number) => 1 - done,
  // half a wave (Loshchilov and Hutter 2017, without restarts)
  cosine: (done: number) => 0.5 * (1 + Math.cos(Math.PI * done)),
  constant: () => 1,
} as const satisfies Record<string, (done: number) => number>

/** Name of a schedule. */
export type ScheduleName = keyof typeof falls

/** The names, for help and errors. */
export const scheduleNames = Object.keys(falls) as readonly ScheduleName[]

/** How the learning rate goes over a run. */
export interface Schedule {
  readonly name: ScheduleName
  /** The highest rate, reached when warm-up ends. */
  readonly peak: number
  /** Steps of warm-up. */
  readonly warmup: number
  /** Steps of the whole run. */
  readonly steps: number
  /** Step that begins a second stage, in which all of it happens again. */
  readonly restart?: number | undefined
}

/** Learning rate of step `step`, from 0. */
export function learningRate({ restart, ...schedule }: Schedule, step: number): number {
  const { name, peak, warmup, steps } = schedule
  if (restart !== undefined) {
    return step < restart
      ? learningRate({ ...schedule, steps: restart }, step)
      : learningRate({ ...schedule, steps: steps - restart }, step - restart)
  }
  if (step < warmup) return (peak * (step + 1)) / (warmup + 1)
  const done = Math.min(1, (step - warmup) / Math.max(1, steps - warmup))
  return peak * falls[name](done)
}

/** Steps of warm-up: a share of the run below 1, else a number of steps. */
export function warmupSteps(given: number, steps: number): number {
  if (given >= 1 && !Number.isInteger(given)) {
    throw new LimbeckError(
      'usage',
      `--warmup ${given}: expected a share of the run below 1, or a whole number of steps.`,
    )
  }
  // a share leaves a step to the peak, however short the run
  const count = given < 1 ? Math.min(Math.ceil(given * steps), Math.max(0, steps - 1)) : given
  if (count < steps || steps === 0) return count
  throw new LimbeckError(
    'usage',
    `--warmup ${given}: the run has ${steps} steps, so the warm-up would never end.`,
    { hint: 'Give fewer steps of warm-up, or more epochs.' },
  )
}

/** The step that begins the second of two stages. */
export const secondStage = (steps: number): number => Math.ceil(steps / 2)

/** A schedule by its name. @throws LimbeckError `usage` for an unknown one. */
export function scheduleNamed(name: string): ScheduleName {
  if (Object.hasOwn(falls, name)) return name as ScheduleName
  const near = nearest(name, scheduleNames)
  throw new LimbeckError(
    'usage',
    `--schedule ${name} is not known; known are ${scheduleNames.join(', ')}.`,
    { ...(near && { hint: `Did you mean ${near}?` }) },
  )
}
