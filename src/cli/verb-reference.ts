/** The options of a verb as Markdown, from the same table as its help: what its page in `docs/` holds. */
import { markdownTable, markdownText } from '../report/table.ts'
import { type OptionSpec, optionTable } from './options.ts'
import { verbs } from './verbs.ts'

/**
 * Arguments, options and examples of a verb, as sections of a Markdown page.
 * @param name such as `optimize`.
 */
export async function verbReference(name: string): Promise<string> {
  const verb = await verbs[name]!.load()
  const positional = verb.arguments.map((argument) => argument.name).join(' ')
  const described = verb.arguments.map(
    (argument) => `- \`${argument.name}\`: ${markdownText(argument.help)}`,
  )
  const rows = [...verb.options, 'json' as const, 'debug' as const].map((option) => {
    const { flags, help, default: byDefault = '' }: OptionSpec = optionTable[option]
    return [flags, help, verb.required.includes(option) ? 'required' : byDefault]
  })
  const columns = [{ title: 'option' }, { title: 'what it does' }, { title: 'default' }]
  return [
    `    limbeck ${name} ${positional} [options]`,
    described.join('\n'),
    markdownTable({ columns, rows }),
    verb.examples.map((line) => `    limbeck ${line}`).join('\n'),
  ].join('\n\n')
}
