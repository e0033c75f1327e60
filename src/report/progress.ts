/**
 * What a job tells of its progress. The command line shows it, a library's caller may log it, and a
 * job that is given none stays silent.
 */

/** Where a job announces its steps. */
export interface Progress {
  /**
   * Begins a step. @param title what is being done, such as `Measuring latency`.
   * @param total how much there is to do, in whatever unit `update` counts.
   * @param begun how much of it was done before, of a step that goes on; default 0.
   */
  step(title: string, total?: number, begun?: number): Step
}

/** A step under way; it ends with `done` or `fail`, once. */
export interface Step {
  /** @param done of the total. @param note what is being done now, such as `int8, 1x128`. */
  update(done: number, note?: string): void
  /** @param note what it came to, such as `4 files`. */
  done(note?: string): void
  /** @param note why it failed. */
  fail(note?: string): void
}
