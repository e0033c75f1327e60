/** An option of the command line, as help pages, documentation and the parser read it. */

/** Heading of the help under which an option stands. */
export type OptionGroup =
  | 'Data'
  | 'Acceptance'
  | 'Measurement'
  | 'Model'
  | 'Distillation'
  | 'Training'
  | 'Costs'
  | 'Output'

/** An option as users see it. */
export interface OptionSpec {
  /** As commander writes it: `-o, --output <dir>`. */
  readonly flags: string
  readonly group: OptionGroup
  readonly help: string
  /** What stands for the option when it is not given; words, since the job decides. */
  readonly default?: string
  readonly parse?: (text: string, earlier?: never) => unknown
}
