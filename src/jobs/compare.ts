/**
 * `compare`: where two models part, tensor by tensor.
 *
 * Both graphs run as they are; what is the same in them is found by raising both. Every tensor is compared twice:
 * as the second model computes it, and as it would from the first one's values, so that an error is told from one
 * that flowed in.
 */
import { LimbeckError } from '../errors.ts'
import { compareValues } from '../fit/compare-values.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { type Landmark, type Landmarks, landmarks } from '../passes/structure/landmarks.ts'
import { type MatchedLandmarks, matchLandmarks } from '../passes/structure/match-landmarks.ts'
import type { Comparison } from '../report/comparison.ts'
import { comparisonHtml } from '../report/comparison-page.ts'
import type { Progress } from '../report/progress.ts'
import { formatCount } from '../report/units.ts'
import { answerMeter } from './compare-answers.ts'
import { madeUpInputs, textInputs } from './compare-inputs.ts'
import { comparedTensors, firstParting, notesOf, sideOf, worstOf } from './compare-result.ts'
import { type ComparedModel, comparedModel } from './compared-model.ts'
import type { NamedSizes } from './file-inputs.ts'
import type { HubOptions } from './find-model.ts'
import { limbeckVersion } from './lineage.ts'
import { checkThreads } from './model-limits.ts'
import { pageFile, writePage } from './page-file.ts'
import { requireFile } from './require-file.ts'

export interface CompareOptions extends HubOptions {
  /** Model folder, folder of ONNX files, ONNX file of any exporter, or `org/name` of the Hub. */
  readonly a: string
  /** What is measured against it. */
  readonly b: string
  /** Base name of a file in the `onnx` folder of `a`, such as `model_quantized`. */
  readonly variantA?: string | undefined
  readonly variantB?: string | undefined
  /** Texts to compare on (128 unless `limit` says otherwise), labels are not looked at; default made-up inputs. */
  readonly data?: DataOptions | undefined
  /** Of made-up inputs, texts x tokens; default 1x5,2x17,3x9. */
  readonly shapes?: string | undefined
  /** Sizes of dimensions that a shape does not give, by name. */
  readonly dims?: NamedSizes | undefined
  /** Relative error that a tensor may add, and t of the share with |a−b| > t·(1 + |a|); default 1e-4. */
  readonly tolerance?: number | undefined
  readonly maxLength?: number | undefined
  readonly threads?: number | undefined
  /** Page to write: a file that ends with `.html`. */
  readonly output?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

export interface CompareResult extends Comparison {
  /** Absolute path of the page. */
  readonly page?: string | undefined
}

const TOLERANCE = 1e-4
const SAMPLES = 128

/**
 * Compares. @throws LimbeckError where the two have nothing in common, take other inputs or read other tokens.
 * @example
 * const { tensors, first } = await compare({ a: './my-model', b: './out/onnx/model_quantized.onnx' })
 * if (first !== undefined) console.log(tensors[first].name, tensors[first].added)
 */
export async function compare(options: CompareOptions): Promise<CompareResult> {
  const { data, signal, progress, threads, output, tolerance = TOLERANCE } = options
  const start = performance.now()
  if (!(tolerance > 0) || !Number.isFinite(tolerance)) {
    throw new LimbeckError('usage', `--tolerance ${tolerance}: expected a number above 0.`)
  }
  checkThreads(threads)
  if (data) requireFile(data.file)
  const page = output === undefined ? undefined : pageFile(output)
  const [a, b] = [
    await comparedModel(options.a, options.variantA, options),
    await comparedModel(options.b, options.variantB, options),
  ]
  const matching = progress?.step('Matching')
  const { read } = tensorReader(nodeFiles)
  const found = [landmarks(a.graph, read), landmarks(b.graph, read)] as const
  const matched = matchLandmarks(...found)
  if (matched.pairs.length === 0) {
    matching?.fail()
    throw nothingShared(a, b, found)
  }
  matching?.done(
    `${formatCount(matched.pairs.length)} of ${formatCount(found[0].all.length)} and ${formatCount(found[1].all.length)} tensors`,
  )
  if (!data) requireVocabulary(a, b, matched)
  const inputs = data
    ? await textInputs(a, b, { ...data, limit: data.limit ?? SAMPLES }, options.maxLength)
    : madeUpInputs(a, b, options.shapes, options.dims)
  const answers = answerMeter(a, b, inputs)
  const step = progress?.step('Comparing')
  const pairs = matched.pairs.map((pair) => ({
    ...{ a: pair.a.value, b: pair.b.value },
    width: pair.a.width ?? pair.b.width,
    isSum: pair.a.kind === 'sum',
  }))
  const differences = await compareValues(
    [a.graph, b.graph],
    pairs,
    inputs.probe,
    (maxTokens) => inputs.batches(maxTokens),
    {
      ...{ tolerance, threads, signal, longest: inputs.longest },
      outputs: answers?.outputs ?? [],
      onOutputs: (batch, ofA, ofB) => answers?.add(batch, ofA, ofB),
      onBatch: (done, group, groups) =>
        step?.update(
          done,
          groups === 1 ? `${done} batches` : `${done} batches, part ${group + 1} of ${groups}`,
        ),
    },
  ).catch((error: unknown) => {
    step?.fail()
    throw error
  })
  const tensors = comparedTensors(matched.pairs, differences, b)
  if (tensors.length === 0) {
    step?.fail()
    throw nothingShared(a, b, found)
  }
  step?.done(
    `${formatCount(tensors.length)} tensors over ${formatCount(inputs.samples)} ${data ? 'texts' : 'made-up rows'}`,
  )
  const odd = matched.pairs.filter((_, i) => !differences[i])
  const comparison: Comparison = {
    a: sideOf(
      a,
      found[0],
      matched.onlyA,
      odd.map((pair) => pair.a),
    ),
    b: sideOf(
      b,
      found[1],
      matched.onlyB,
      odd.map((pair) => pair.b),
    ),
    tensors,
    first: firstParting(tensors, tolerance),
    worst: worstOf(tensors),
    answers: answers?.result(),
    tolerance,
    samples: inputs.samples,
    tokens: inputs.tokens,
    notes: notesOf(a, b, found, tensors, answers !== undefined),
    seconds: (performance.now() - start) / 1000,
  }
  if (page !== undefined) writePage(await comparisonHtml(comparison, limbeckVersion), page)
  return { ...comparison, page }
}

function nothingShared(
  a: ComparedModel,
  b: ComparedModel,
  [inA, inB]: readonly [Landmarks, Landmarks],
): LimbeckError {
  const described = ({ label }: ComparedModel, { all, layers }: Landmarks): string =>
    `${label} (${layers} layers, ${all.length} tensors${widest(all)})`
  return new LimbeckError(
    'input',
    `no tensor of ${described(a, inA)} has its like in ${described(b, inB)}.`,
    {
      hint: 'Compare models of one architecture and size, such as a model and its quantized file.',
    },
  )
}

const widest = (all: readonly Landmark[]): string => {
  const width = all.find(({ width }) => width !== undefined)?.width
  return width === undefined ? '' : ` of width ${width}`
}

/** Rows by which tables of one vocabulary may differ: they are filled up to what kernels like. */
const PADDED_ROWS = 128

/** @throws LimbeckError where the first tables hold other vocabularies: made-up ids would mean other words. */
function requireVocabulary(a: ComparedModel, b: ComparedModel, { pairs }: MatchedLandmarks): void {
  const [tables] = pairs.flatMap(({ a: left, b: right }) =>
    left.rows !== undefined && right.rows !== undefined ? [[left.rows, right.rows]] : [],
  )
  if (!tables || Math.abs(tables[0]! - tables[1]!) < PADDED_ROWS) return
  throw new LimbeckError(
    'input',
    `${a.label} knows ${tables[0]} tokens and ${b.label} ${tables[1]}: the same ids are other words to them.`,
    { hint: 'Compare models of one vocabulary.' },
  )
}
