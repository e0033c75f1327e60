/** Options of what is written and printed. */
import type { OptionSpec } from './option-spec.ts'
import { oneOf } from './parse-values.ts'

export const outputOptions = {
  reportOutput: {
    flags: '-o, --output <file>',
    group: 'Output',
    help: 'file to write',
    default: 'report.html, report.md and report.json in the folder',
  },
  format: {
    flags: '--format <format>',
    group: 'Output',
    help: 'html, markdown or json',
    default: 'by the ending of the file, or all three',
    parse: oneOf('html', 'markdown', 'json'),
  },
  pageOutput: {
    flags: '-o, --output <file>',
    group: 'Output',
    help: 'page to write, with heat maps; ends with .html',
  },
  fuseOutput: {
    flags: '-o, --output <file>',
    group: 'Output',
    help: 'file to write; with --target both also <file>_cpu.onnx',
    default: '<name>_fused.onnx beside the source',
  },
  comparePage: {
    flags: '-o, --output <file>',
    group: 'Output',
    help: 'page to write, with every tensor; ends with .html',
  },
  overwriteFile: { flags: '--overwrite', group: 'Output', help: 'replace a file that is there' },
  diff: {
    flags: '--diff',
    group: 'Output',
    help: 'print the graphs before and after as a diff of their texts',
  },
  output: {
    flags: '-o, --output <dir>',
    group: 'Output',
    help: 'folder to write',
    default: 'limbeck-output/<model name>',
  },
  requiredOutput: { flags: '-o, --output <dir>', group: 'Output', help: 'folder to write' },
  overwrite: {
    flags: '--overwrite',
    group: 'Output',
    help: 'replace a folder that Limbeck wrote before',
  },
  explain: {
    flags: '--explain',
    group: 'Output',
    help: 'tell how often each rewriting rule fired, and why not more often',
  },
  json: { flags: '--json', group: 'Output', help: 'print one JSON document instead of a table' },
  debug: { flags: '--debug', group: 'Output', help: 'print the stack of an error' },
} as const satisfies Record<string, OptionSpec>
