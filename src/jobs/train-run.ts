/** Runs a prepared training to its end, from the beginning or from a checkpoint. */
import type { Checkpoint, Checkpoints, KeptTensor } from '../fit/checkpoints.ts'
import type { AnswerFeeds } from '../fit/given-answers.ts'
import { trainLoop } from '../fit/train-loop.ts'
import { trainingFeeds } from '../fit/training-feeds.ts'
import { evaluatesAt } from '../fit/training-plan.ts'
import { noProgress, type TrainingProgress } from '../fit/training-progress.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import type { Progress } from '../report/progress.ts'
import { roundedGraph } from '../train/for-kernels.ts'
import { openGraphs } from './train-graphs.ts'
import { judgedGraph, judgeOf } from './train-judge.ts'
import type { PreparedTraining } from './train-prepare.ts'
import { evaluationText } from './train-report.ts'

export interface RunTrainingOptions {
  readonly checkpoints: Checkpoints
  readonly from: Checkpoint | undefined
  /** What a teacher said to the examples. */
  readonly answers?: AnswerFeeds | undefined
  /** And to the dev data, where it judges. */
  readonly devAnswers?: AnswerFeeds | undefined
  readonly maxMinutes?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

export interface FinishedTraining {
  readonly progress: TrainingProgress
  /** The most that its process held. */
  readonly peakBytes: number
  /** The trained parameters, as checkpoints hold them. */
  readonly weights: readonly KeptTensor[]
}

/** Milliseconds between checkpoints. */
const SAVE_EVERY_MS = 60_000

/** Trains. @throws LimbeckError when it is cancelled or its numbers are none; checkpoints stay. */
export function runTraining(
  prepared: PreparedTraining,
  { checkpoints, from, answers, devAnswers, maxMinutes, signal, progress }: RunTrainingOptions,
): Promise<FinishedTraining> {
  const { task, model, graph, settings, data, plan, schedule, training, taught } = prepared
  const inputs = new Set([...data.feeds.inputs, ...(taught?.inputs ?? [])])
  const forward = judgedGraph({ ...model, graph }, task, taught?.judged?.loss)
  const judged = settings.quantize ? roundedGraph(forward, training.ranges) : forward
  const { examples } = data.training
  const judge = judgeOf(prepared, data, devAnswers)
  return withScratchFolder(async (scratch) => {
    const step = progress?.step(`Training for ${task}`, plan.steps, from?.progress.step)
    const graphs = await openGraphs({
      ...{ folder: scratch, training, judged, from },
      ...{ ema: settings.ema !== undefined, threads: settings.threads },
    })
    const { store, state, weights } = graphs
    try {
      const begun = from ? goingOn(from.progress) : noProgress
      const loop = {
        ...{ plan, schedule, training, graphs, signal, patience: settings.patience },
        ...{ emaDecay: settings.ema, saveEveryMs: SAVE_EVERY_MS },
        batch(places: readonly number[], at: number, micro: number) {
          const own = places.map((place) => examples[place]!)
          const lengths = own.flatMap(({ texts }) => texts.map(({ ids }) => ids.length))
          const tokens = lengths.reduce((sum, length) => sum + length, 0)
          const key = [settings.seed, at, micro]
          const texts = trainingFeeds(own, key, { ...data.feeds, inputs: [...inputs] })
          const width = texts.input_ids!.shape[1]!
          const said = { ...answers?.feeds(places, width), ...taught?.feeds(at, plan.steps) }
          const feeds = { ...texts, ...said }
          return { feeds, rows: own.length, tokens }
        },
        evaluate: judge && (async (at: number) => ({ step: at, ...(await judge(graphs.judged)) })),
        evaluateAt: evaluatesAt(plan, settings.evaluateEvery),
        saveBest: (at: number) => checkpoints.saveBest(weights, store.get, at),
        save: (now: TrainingProgress) => checkpoints.save(state, store.get, now),
        maxMs: maxMinutes === undefined ? undefined : maxMinutes * 60_000,
        onStep: (now: TrainingProgress, loss: number) =>
          step?.update(now.step, stepText(now, loss)),
      }
      const done = await trainLoop(loop, begun)
      const { peak } = await store.memory()
      step?.done(`${done.step} steps${done.best ? `, ${evaluationText(done.best)}` : ''}`)
      return { progress: done, peakBytes: peak, weights }
    } catch (error) {
      step?.fail()
      throw error
    } finally {
      await store.end()
    }
  })
}

/** A run that its time ended goes on; one that gained nothing is done. */
const goingOn = (progress: TrainingProgress): TrainingProgress =>
  progress.ended === 'time' ? { ...progress, ended: undefined } : progress

const stepText = (now: TrainingProgress, loss: number): string => {
  const last = now.losses.at(-1)?.loss ?? loss
  const judged = now.evaluations.at(-1)
  return [
    `loss ${last.toPrecision(3)}`,
    ...(judged ? [evaluationText(judged)] : []),
    `${(now.tokens / Math.max(now.seconds, 1e-3)).toFixed(0)} tokens/s`,
  ].join(', ')
}
