/**
 * `npm start`: the command line when arguments follow (`npm start -- optimize ./x`); alone, `optimize`
 * on the model and data that come with the package, with a student that learns from the model.
 */
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProcess } from './process-context.ts'
import { shellCommand } from './shell-command.ts'

process.env.ORT_DISABLE_TELEMETRY = '1'

const given = process.argv.slice(2)
const folder = fileURLToPath(new URL('../../examples/support-desk', import.meta.url))
const example = relative(process.cwd(), folder) || '.'
const args =
  given.length > 0
    ? given
    : [
        ...['optimize', example, '--data', `${example}/test.tsv`],
        ...['--text', 'text', '--label', 'label'],
        ...['--distill', 'every-second', '--train-data', `${example}/train.tsv`],
        ...['--epochs', '4', '--learning-rate', '3e-4'],
        ...['--output', 'limbeck-output/support-desk', '--overwrite'],
      ]
if (given.length === 0) process.stderr.write(`${shellCommand(['limbeck', ...args])}\n`)
await runProcess(args)
