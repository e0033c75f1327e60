/**
 * Files of others, raised and lowered, against Limbeck's own graph of the same weights: MiniLM-L6 by PyTorch's two
 * exporters, fp32 and INT8, timed in turns; and what reading, raising and writing such a file costs.
 *
 *     npm run bench:foreign [-- --quick] [--output FILE]
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchModels, formatShape } from '../src/bench/index.ts'
import { buildInChild } from '../src/jobs/build-in-child.ts'
import { optimizePlans, type VariantPlan } from '../src/jobs/variants.ts'
import { hardware } from '../src/runtime/index.ts'
import { describeMachine, machineText } from './machine.ts'
import { measureBuild } from './measure-build.ts'
import { feeds } from './model-files.ts'
import { miniLm, resultsFolder, rivalsFolder, say, withTemporaryFolder } from './places.ts'
import { rounded } from './race.ts'

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, output: { type: 'string' } },
})
const OWN = 'own graph'
/** A raised file may take this much longer than our own. */
const SLOWER = 1.03
const SECONDS = 1.5
/** Bytes of memory above the baseline, for each byte of the file. */
const MEMORY = 1.3

const machine = await describeMachine(`npm run bench:foreign${flags.quick ? ' -- --quick' : ''}`)
await withTemporaryFolder(async (folder) => {
  const rivals = join(folder, 'rivals')
  execFileSync(process.execPath, [join(rivalsFolder, 'make-rivals.mjs'), rivals])
  const plans = optimizePlans(hardware().int8.saturates ? 7 : 8)
  const planOf = (file: string): VariantPlan => plans.find((plan) => plan.file === file)!
  const written = {
    fp32: planOf('onnx/model_cpu.onnx'),
    INT8: planOf('onnx/model_cpu_quantized.onnx'),
  }
  const sources = [
    { name: OWN, model: miniLm },
    ...['torchscript', 'dynamo'].map((name) => ({ name, model: join(rivals, `${name}.onnx`) })),
  ]
  for (const { name, model } of sources) {
    say(`Writing ${name} …`)
    await buildInChild({ model, folder: join(folder, name), variants: Object.values(written) })
  }
  const latency: object[] = []
  for (const [precision, { file }] of Object.entries(written)) {
    say(`Timing ${precision} …`)
    const rows = await benchModels(
      sources.map(({ name }) => ({ name, path: join(folder, name, file), feeds })),
      { vs: OWN, maxSeconds: flags.quick ? 3 : 15, maxRounds: 1000 },
    )
    for (const { shape, entries } of rows) {
      for (const { name, p50, vsRival } of entries) {
        const times = vsRival && rounded(1 / vsRival.speedup)
        latency.push({
          ...{ precision, shape: formatShape(shape), name, ms: rounded(p50), times },
          ...(times !== undefined && { bound: SLOWER, met: times <= SLOWER }),
        })
      }
    }
  }
  const runs = flags.quick ? 2 : 5
  const baseline = await measureBuild(undefined, runs)
  const costs: object[] = []
  for (const { name, model } of sources.slice(1)) {
    say(`Reading, raising and writing ${name} …`)
    const plan = { model, folder: join(folder, 'out'), variants: [written.fp32] }
    const times = await measureBuild(plan, runs)
    const bytes = statSync(model).size + statSync(model.replace(/onnx$/, 'bin')).size
    const memory = rounded((times.peak - baseline.peak) / bytes)
    costs.push({
      ...{ name, ...times, bytes, bound: SECONDS, met: times.seconds <= SECONDS },
      ...{ memory, memoryBound: MEMORY, memoryMet: memory <= MEMORY },
    })
  }
  console.log(machineText(machine))
  console.table(latency)
  console.table(costs)
  const output = flags.output ?? join(resultsFolder, 'foreign.json')
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, `${JSON.stringify({ machine, latency, baseline, costs }, null, 2)}\n`)
  say(`Written to ${output}`)
})
