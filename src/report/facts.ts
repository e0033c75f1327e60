/** What a report was made of and on: pairs of a name and its value, in groups. */
import type { Report } from './report.ts'
import { formatCount, formatParameters, formatSeconds, metricTitle } from './units.ts'

export interface FactGroup {
  readonly title: string
  readonly facts: readonly (readonly [name: string, value: string])[]
}

const sources: Readonly<Record<Report['data']['source'], string>> = {
  labelled: 'labelled examples',
  text: 'texts without labels: fidelity to the source is measured',
  random: 'random tokens: no text was given; fidelity to the source is measured',
}

/** The facts of a report; those that are not known are left out. */
export function factGroups(report: Report): FactGroup[] {
  const { model, data, machine, settings, stages } = report
  return [
    group('Model', {
      name: model.name,
      folder: model.folder,
      family: model.family,
      task: model.task,
      parameters: formatParameters(model.parameters),
      layers: `${model.layers} of width ${model.hidden}`,
      labels: labelsText(model.labels),
    }),
    group('Data', {
      file: data.file,
      columns: data.columns,
      labels: data.labels,
      kind: sources[data.source],
      examples: formatCount(data.rows),
      metric: data.metric && metricTitle(data.metric),
      truncated: truncatedText(data),
    }),
    group('Machine', {
      cpu: machine.cpu,
      cores: `${machine.allottedCores} allotted of ${machine.cores}`,
      'int8 kernel': machine.int8Kernel,
      'instruction sets': machine.isa.join(' '),
      software: `Limbeck ${machine.limbeck}, ONNX Runtime ${machine.onnxruntime}, Node ${machine.node}`,
    }),
    group('Settings', {
      'allowed drop': `${settings.maxDrop}${settings.strict ? ', only proven variants (strict)' : ''}`,
      threads: settings.threads.join(', '),
      shapes: settings.shapes.join(', '),
      'batch size': `${settings.batchSize} (results of dynamic INT8 depend on it)`,
      seed: String(settings.seed),
      time: stages.map(({ name, seconds }) => `${name} ${formatSeconds(seconds)}`).join(', '),
    }),
  ]
}

function group(title: string, facts: Readonly<Record<string, string | undefined>>): FactGroup {
  const known = Object.entries(facts).filter((fact): fact is [string, string] => !!fact[1])
  return { title, facts: known }
}

function labelsText(labels: readonly string[]): string | undefined {
  if (labels.length === 0) return undefined
  const shown = labels.slice(0, 20).join(', ')
  const more = labels.length > 20 ? ` and ${labels.length - 20} more` : ''
  return `${labels.length}: ${shown}${more}`
}

const truncatedText = ({ truncated, maxLength }: Report['data']): string => {
  const limit = maxLength === undefined ? '' : ` to ${maxLength} tokens`
  return truncated === 0 ? 'no text was cut' : `${formatCount(truncated)} texts cut${limit}`
}
