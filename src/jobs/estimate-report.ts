/** How long `report` will measure, told before it begins: from what `optimize` found each run to take. */

/** Measurements of one kind: at each row, all files take turns. */
export interface PlannedRows {
  /** Milliseconds of one run of each file, by row. */
  readonly rows: readonly (readonly number[])[]
  /** Asked for each row; a row of long runs takes what its least rounds take. */
  readonly seconds: number
}

// as in bench: a turn's length, its least runs, its rounds with those that warm up
const TURN_SECONDS = 0.075
const LEAST_RUNS = 3
const [WARMUP_ROUNDS, LEAST_ROUNDS] = [2, 5]
/** A process starts, loads its model and finds its pace. */
const START_SECONDS = 0.5

/** Seconds that the rows will take. */
export function estimateSeconds({ rows, seconds }: PlannedRows): number {
  return rows.reduce((sum, runs) => {
    const turns = runs.map((ms) => Math.max(TURN_SECONDS, (LEAST_RUNS * ms) / 1000))
    const round = turns.reduce((total, turn) => total + turn, 0)
    const timed = Math.max(seconds, LEAST_ROUNDS * round)
    return sum + runs.length * START_SECONDS + WARMUP_ROUNDS * round + timed
  }, 0)
}
