/**
 * Mixed precision to an allowance: the fewest layers that must have more bits than the rest, so that a metric drops
 * no more than allowed.
 *
 * Layers are ordered by what more bits save of the answers' loss for each byte they add (`rankLayers`' estimate); how
 * many of them are needed is found on the metric itself, by files that are written, run and judged on paired examples.
 */
import { basename, join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { readMeasuredText } from '../fit/measured-text.ts'
import { type RankedLayer, rankLayers } from '../fit/rank-layers.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { quantizedNodes } from '../passes/expose-noise.ts'
import { runPasses } from '../passes/pass.ts'
import { quantizePasses } from '../passes/quantize.ts'
import { type MixSearch, type RaisedLayer, type TriedMix, valueText } from '../report/mix-search.ts'
import { formatCount } from '../report/units.ts'
import { parseMaxDrop } from '../stats/acceptance.ts'
import { fewest, type Upgrade, upgradeOrder } from '../stats/upgrade-order.ts'
import type { BareFile } from './any-model.ts'
import { buildInChild } from './build-in-child.ts'
import type { QuantizeOptions, Target } from './export-model.ts'
import { fileAnswers, type Judgement, judgeAnswers } from './judge-answers.ts'
import type { LayerOverrideOptions } from './layer-overrides.ts'
import { type LoadedModel, tokenizerOf } from './load.ts'
import { maxLengthOf } from './model-limits.ts'
import { type PlanOf, withText } from './quantization-plan.ts'
import { sensitivityInputs } from './sensitivity-inputs.ts'

const SAMPLES = 128

/** The schemes that a layer goes through: that of the command, those of `mix`, fp32. */
export const ladderOf = ({ scheme, mix }: QuantizeOptions): LayerOverrideOptions['scheme'][] => [
  ...new Set([scheme, ...(mix ?? []), 'fp32' as const]),
]

/**
 * Finds the mix. @throws LimbeckError `verify` where no mix of the ladder is within what is allowed, with what came
 * nearest.
 */
export async function searchMix(
  given: LoadedModel | BareFile,
  options: QuantizeOptions & { readonly maxDrop: string },
  planOf: PlanOf,
  targets: readonly Target[],
): Promise<{ overrides: readonly LayerOverrideOptions[]; search: MixSearch }> {
  const { signal, progress, maxDrop, strict = false } = options
  const model = withText(given)
  const data = options.data!
  const allowed = parseMaxDrop(maxDrop)
  const ladder = ladderOf(options)
  let order: Upgrade[] = []
  const tokenizer = await tokenizerOf(model)
  const length = maxLengthOf(model, tokenizer, undefined)
  const text = await readMeasuredText(data, model, tokenizer, length, { signal })
  return withScratchFolder(async (scratch) => {
    const build = async (target: Target, count: number | 'fp32') => {
      const more = count === 'fp32' ? [] : overridesOf(order.slice(0, count), ladder)
      const quantize = count === 'fp32' ? undefined : planOf(target, more)
      const plan = { name: target, file: `${target}-${count}.onnx`, lowering: target, quantize }
      const from = { model: model.path, dequantize: model.dequantize }
      const built = await buildInChild({ ...from, folder: scratch, variants: [plan] }, { signal })
      return { file: join(scratch, plan.file), bytes: built.variants[0]!.bytes }
    }
    const step = progress?.step('Searching')
    try {
      step?.update(0, `fp32 on ${basename(data.file)}`)
      const { file } = await build(targets.at(-1)!, 'fp32')
      const source = await fileAnswers(model, file, text, signal)
      const tried: TriedMix[] = []
      let by: Pick<Judgement, 'by' | 'before'> | undefined
      const attempt = async (target: Target, steps: number): Promise<boolean> => {
        signal?.throwIfAborted()
        step?.update(tried.length, `${formatCount(steps)} up, ${target}`)
        const { file, bytes } = await build(target, steps)
        const judged = judgeAnswers(source, await fileAnswers(model, file, text, signal), allowed)
        by = judged
        const mix = triedOf(judged, { target, steps, bytes }, strict)
        tried.push(mix)
        return mix.accepted
      }
      // a mix must do for every file that is written
      const passes = async (steps: number): Promise<boolean> => {
        for (const target of targets.toReversed()) {
          if (!(await attempt(target, steps))) return false
        }
        return true
      }
      let count = (await passes(0)) ? 0 : undefined
      if (count === undefined) {
        order = await upgradesOf(model, options, planOf, ladder)
        // with all of them the file is fp32
        count = await fewest(order.length - 1, passes)
      }
      const facts = {
        by: by!.by,
        source: by!.before,
        maxDrop,
        examples: text.examples.length,
        tried,
      }
      if (count === undefined) throw noneAllowed(facts, strict)
      step?.done(`${formatCount(count)} steps up, after ${formatCount(tried.length)} files`)
      const raised = raisedOf(order.slice(0, count), ladder)
      const chosen = tried.filter(({ steps }) => steps === count)
      const why = whyOf(raised.length, chosen, facts)
      return {
        overrides: overridesOf(order.slice(0, count), ladder),
        search: { ...facts, raised, chosen, why },
      }
    } catch (error) {
      step?.fail()
      throw error
    }
  })
}

function triedOf(
  { after, acceptance, collapsed }: Judgement,
  of: Pick<TriedMix, 'target' | 'steps' | 'bytes'>,
  strict: boolean,
): TriedMix {
  const { verdict, drop } = acceptance
  const isAllowed = strict ? verdict === 'proven' : verdict !== 'rejected'
  const accepted = isAllowed && collapsed === undefined
  return { ...of, value: after, verdict, drop, accepted, collapsed }
}

/** Every step up that a layer can take, the most worth first. Layers that an override names have none. */
async function upgradesOf(
  model: LoadedModel,
  { data, samples = SAMPLES, signal, progress }: QuantizeOptions,
  planOf: PlanOf,
  ladder: readonly LayerOverrideOptions['scheme'][],
): Promise<Upgrade[]> {
  const inputs = await sensitivityInputs(model, { data, samples })
  const read = tensorReader(nodeFiles).read
  const annotated = (more: readonly LayerOverrideOptions[]) =>
    runPasses(model.graph, quantizePasses(planOf('cpu', more), 'before')).graph
  const all = (scheme: LayerOverrideOptions['scheme']) => [{ layers: '*', scheme }]
  const fixed = new Set(quantizedNodes(annotated(all('fp32'))).map(({ outputs }) => outputs[0]))
  const rungs = ladder.slice(0, -1)
  const step = progress?.step('Measuring sensitivity', inputs.batches.length * rungs.length)
  try {
    const ranked: Map<string, RankedLayer>[] = []
    for (const [i, rung] of rungs.entries()) {
      const graph = annotated(i === 0 ? [] : all(rung))
      const free = {
        ...graph,
        nodes: graph.nodes.map((node) =>
          fixed.has(node.outputs[0]) ? { ...node, quantization: undefined } : node,
        ),
      }
      if (quantizedNodes(free).length === 0) break
      const onBatch = (done: number) => step?.update(i * inputs.batches.length + done, rung)
      const run = { signal, onBatch }
      const layers = await rankLayers(free, inputs.batches, inputs.samples, read, run)
      ranked.push(new Map(layers.map((layer) => [layer.path, layer])))
    }
    step?.done(`${formatCount(ranked[0]?.size ?? 0)} layers`)
    const lost = ({ estimate, sqnr }: RankedLayer): number =>
      estimate ?? (sqnr === null ? 0 : 10 ** (-sqnr / 10))
    return upgradeOrder(
      [...(ranked[0]?.keys() ?? [])].map((name) => ({
        name,
        steps: [
          ...ranked.flatMap((rung) => {
            const layer = rung.get(name)
            // bytes are what fp32 adds: the fewer, the larger the file
            return layer ? [{ loss: lost(layer), bytes: -layer.bytes }] : []
          }),
          { loss: 0, bytes: 0 },
        ],
      })),
    )
  } catch (error) {
    step?.fail()
    throw error
  }
}

/** The last step of each layer; what it saves and adds, all steps together. */
function raisedOf(
  upgrades: readonly Upgrade[],
  ladder: readonly LayerOverrideOptions['scheme'][],
): RaisedLayer[] {
  const raised = new Map<string, RaisedLayer>()
  for (const { name, to, saved, bytes } of upgrades) {
    const known = raised.get(name) ?? { saved: 0, bytes: 0 }
    raised.set(name, {
      path: name,
      scheme: ladder[to]!,
      saved: known.saved + saved,
      bytes: known.bytes + bytes,
    })
  }
  return [...raised.values()]
}

const overridesOf = (
  upgrades: readonly Upgrade[],
  ladder: readonly LayerOverrideOptions['scheme'][],
): LayerOverrideOptions[] =>
  [...new Map(upgrades.map(({ name, to }) => [name, ladder[to]!]))].map(([layers, scheme]) => ({
    layers,
    scheme,
  }))

type Facts = Pick<MixSearch, 'by' | 'source' | 'maxDrop' | 'examples' | 'tried'>

function whyOf(raised: number, chosen: readonly TriedMix[], facts: Facts): string {
  const { by, source, maxDrop } = facts
  const verdicts = chosen.map(
    ({ target, value, verdict }) => `${valueText(by, value)} in the ${target} file (${verdict})`,
  )
  const what =
    raised === 0
      ? 'No layer needs more bits'
      : `${formatCount(raised)} layer${raised === 1 ? ' has' : 's have'} more bits, the fewest that were found to do`
  return `${what}: ${by} ${valueText(by, source)} in fp32, ${verdicts.join(', ')}, allowed is a drop of ${maxDrop}.`
}

function noneAllowed({ by, source, maxDrop, tried }: Facts, strict: boolean): LimbeckError {
  const sound = tried.filter(
    ({ collapsed, drop }) => collapsed === undefined && Number.isFinite(drop),
  )
  const best = sound.toSorted((a, b) => a.drop - b.drop)[0]
  const nearest = best
    ? `the nearest, with ${formatCount(best.steps)} steps up, has ${valueText(by, best.value)} (${best.verdict})`
    : `all of them collapsed: ${tried.at(-1)?.collapsed}`
  return new LimbeckError(
    'verify',
    `No mix drops ${by} by at most ${maxDrop} from ${valueText(by, source)} in fp32; ${nearest}.`,
    {
      hint: strict
        ? 'More examples may prove one; or leave out --strict.'
        : 'Allow more, take a scheme of more bits, or use fp32.',
    },
  )
}
