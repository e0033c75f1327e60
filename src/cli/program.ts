/** The command line as commander sees it, built from the verbs and the table of options. */
import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { type OptionName, type OptionSpec, optionTable } from './options.ts'
import type { Verb } from './verb.ts'
import { verbs } from './verbs.ts'

/** Every verb has these. */
const commonOptions: readonly OptionName[] = ['json', 'debug']

/** What was asked for: a verb with the values of its arguments and options. */
export interface Parsed {
  readonly verb: Verb
  readonly args: readonly (string | undefined)[]
  readonly options: Readonly<Record<string, unknown>>
  readonly json: boolean
}

export interface ProgramStreams {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly columns: number
}

const version = (): string =>
  (
    JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
  ).version

/**
 * Parses a command line; loads only the verb it names.
 * @returns undefined when help or the version was printed.
 * @throws CommanderError once commander has said what is wrong.
 */
export async function parseCommand(
  args: readonly string[],
  streams: ProgramStreams,
): Promise<Parsed | undefined> {
  const [first, second] = args
  // `help optimize` is `optimize --help`
  const asked = first === 'help' ? (second === undefined ? ['--help'] : [second, '--help']) : args
  const named = asked[0] ?? ''
  const program = configure(new Command('limbeck'), streams)
    .description('Makes Transformers small and fast: optimize, verify and measure on ONNX Runtime.')
    .version(version(), '-V, --version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', '\nOptions of a verb: limbeck <verb> --help')
  let parsed: Parsed | undefined
  for (const [name, { summary, load }] of Object.entries(verbs)) {
    const command = configure(program.command(name), streams).description(summary).summary(summary)
    if (name !== named) continue
    const verb = await load()
    describe(command, verb)
    command.action(() => {
      requireOptions(command, verb.required)
      const args = verb.arguments.map((_, i) => command.processedArgs[i] as string | undefined)
      const options = valuesOf(command, verb.options)
      parsed = { verb, args, options, json: command.opts().json === true }
    })
  }
  if (asked.length === 0) program.help({ error: true })
  await program.parseAsync(asked, { from: 'user' })
  return parsed
}

function configure(command: Command, { out, err, columns }: ProgramStreams): Command {
  return command
    .exitOverride()
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ helpWidth: Math.min(columns, 100), showGlobalOptions: false })
    .configureOutput({ writeOut: out, writeErr: err })
}

/** Gives a command the arguments, options and examples of its verb. */
function describe(command: Command, verb: Verb): void {
  for (const { name, help } of verb.arguments) command.argument(name, help)
  for (const name of [...verb.options, ...commonOptions]) {
    const { flags, help, group, default: byDefault, parse }: OptionSpec = optionTable[name]
    const option = new Option(
      flags,
      byDefault === undefined ? help : `${help} (default: ${byDefault})`,
    )
    option.helpGroup(`${group}:`)
    if (parse) option.argParser(parse as (text: string, earlier: unknown) => unknown)
    command.addOption(option)
  }
  const examples = verb.examples.map((line) => `  limbeck ${line}`)
  command.addHelpText('after', `\nExamples:\n${examples.join('\n')}`)
  command.showHelpAfterError(`See limbeck ${command.name()} --help.`)
}

/** Here and not by commander, which would ask for an option before it names the misspelt one. */
function requireOptions(command: Command, required: readonly OptionName[]): void {
  for (const name of required) {
    const { flags } = optionTable[name]
    if (command.getOptionValue(new Option(flags).attributeName()) !== undefined) continue
    command.error(`error: required option '${flags}' not specified`, {
      code: 'commander.missingMandatoryOptionValue',
    })
  }
}

/** Values by the names of the table, which are not those of the flags. */
function valuesOf(command: Command, names: readonly OptionName[]): Record<string, unknown> {
  const given = command.opts()
  const values = names.map((name) => {
    const option = new Option(optionTable[name].flags)
    const value = given[option.attributeName()] as unknown
    return [name, option.negate ? value === false || undefined : value] as const
  })
  return Object.fromEntries(values.filter(([, value]) => value !== undefined))
}
