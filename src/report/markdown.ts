/** The report as Markdown, for pull requests and logs: the tables of the page, without its picture. */

import { detailSections } from './detail-sections.ts'
import { fidelityTable, latencyTable, metricsTable, passesTable } from './detail-tables.ts'
import { factGroups } from './facts.ts'
import { kernelsTable } from './kernel-report.ts'
import { chosenOf, gainSentence, verdictSentence } from './outcome.ts'
import type { Report } from './report.ts'
import { simulationNotes } from './simulation.ts'
import { summaryCaption, summaryTable } from './summary-table.ts'
import { markdownTable, markdownText, type Table } from './table.ts'
import { formatBytes } from './units.ts'

/** The whole report as one Markdown document. */
export function reportMarkdown(report: Report): string {
  const verdict = verdictSentence(report, chosenOf(report))
  const parts = [
    `# ${markdownText(report.title)}`,
    `**${markdownText(gainSentence(report))}** ${markdownText(report.chosenWhy)}`,
    verdict && `Verdict ${markdownText(verdict)}.`,
    markdownTable(summaryTable(report)),
    markdownText(summaryCaption(report)),
    list([...simulationNotes(report), ...report.notes]),
    ...detailSections(report).flatMap(({ title, captions, table }) => [
      section(title, table),
      ...captions.map(markdownText),
    ]),
    section('Metrics', metricsTable(report)),
    section('Latency', latencyTable(report)),
    section('Fidelity to the source', fidelityTable(report)),
    section('Kernels', kernelsTable(report)),
    ...report.variants.map((variant) => section(`Passes: ${variant.name}`, passesTable(variant))),
    ...factGroups(report).map(
      ({ title, facts }) =>
        `## ${title}\n\n${facts.map(([name, value]) => `- ${name}: ${markdownText(value)}`).join('\n')}`,
    ),
    `## Files\n\n${report.files
      .map(
        ({ role, path, bytes }) =>
          `- ${codeSpan(path)}: ${markdownText(role)}${bytes === undefined ? '' : `, ${formatBytes(bytes)}`}`,
      )
      .join('\n')}`,
    report.command &&
      `## Reproduce\n\n${[report.command, report.details?.command]
        .filter((command) => command !== undefined)
        .map((command) => `    ${command.replaceAll('\n', ' ')}`)
        .join('\n')}`,
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

const section = (title: string, table: Table | undefined): string | undefined =>
  table && `## ${markdownText(title)}\n\n${markdownTable(table)}`

const list = (lines: readonly string[]): string =>
  lines.map((line) => `- ${markdownText(line)}`).join('\n')

const codeSpan = (text: string): string => `\`${text.replace(/[`\n]/g, "'")}\``
