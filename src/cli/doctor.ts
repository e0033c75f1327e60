/** `limbeck doctor`. */
import type { DoctorResult, Finding } from '../jobs/doctor.ts'
import { proseText, tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const doctorVerb = defineVerb({
  arguments: [],
  options: [],
  examples: ['doctor', 'doctor --json'],
  async run() {
    const { doctor } = await import('../jobs/doctor.ts')
    const result = await doctor()
    return { json: result, text: (view) => doctorText(result, view) }
  },
})

const marks: Readonly<Record<Finding['status'], string>> = { ok: '✔', note: '!', problem: '✖' }

function doctorText({ findings }: DoctorResult, view: View): string {
  const table = {
    columns: [{ title: '' }, { title: 'check' }, { title: 'found' }],
    rows: findings.map(({ status, check, found }) => [marks[status], check, found]),
  }
  const told = findings.filter(({ status }) => status !== 'ok')
  const sentences = told.map(({ check, meaning }) => `${check}: ${meaning}`)
  const kernel = findings.find(({ check }) => check === 'INT8 kernel')
  const summary = told.length === 0 ? ['Nothing to mend.'] : sentences
  const int8 = kernel?.status === 'ok' ? [`INT8 on this CPU: ${kernel.meaning}.`] : []
  return [
    tableText(table, view),
    '',
    ...[...summary, ...int8].map((text) => proseText(text, view)),
  ].join('\n')
}
