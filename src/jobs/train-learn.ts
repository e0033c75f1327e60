/**
 * The learning of a prepared run: memory checked, steps run from the beginning or a checkpoint, what was
 * learned ready to be written. Where it is written, and what is measured of it, is its caller's.
 */
import { LimbeckError } from '../errors.ts'
import { Checkpoints, type RunIdentity } from '../fit/checkpoints.ts'
import { trainingTask } from '../fit/training-task.ts'
import type { TrainingReport } from '../report/training-report.ts'
import type { TrainOptions } from './train.ts'
import { runIdentity } from './train-identity.ts'
import { checkMemory, memoryText, trainingMemory } from './train-memory.ts'
import { mergeAdapters } from './train-merge.ts'
import { type WeightType, writeTrained } from './train-output.ts'
import type { PreparedTraining } from './train-prepare.ts'
import { roundedReport, trainedPlans } from './train-quantize.ts'
import { trainingReport } from './train-report.ts'
import { runTraining } from './train-run.ts'
import type { VariantPlan } from './variants.ts'

/** A model that has learned. */
export interface Learned {
  readonly training: TrainingReport
  /** The recipe, for the lineage. */
  readonly identity: RunIdentity
  /** Files of the rounding that it was trained for. */
  readonly plans: readonly VariantPlan[]
  /** Writes `model.safetensors`, `config.json` and the tokenizer into a folder. */
  write(folder: string, dtype?: WeightType): void
  /** Removes the checkpoints, once it is written; those of a run that its time ended stay. */
  forget(): void
}

/**
 * Runs a training to its end. @param output checkpoints lie in `<output>.training`.
 * @throws LimbeckError for a run that does not fit into memory, or cancellation; checkpoints stay.
 */
export async function learn(
  prepared: PreparedTraining,
  output: string,
  options: TrainOptions,
): Promise<Learned> {
  const { folder, task, model, data, plan, training, settings, taught, teaching, lora } = prepared
  const { signal, progress, maxMinutes } = options
  const memory = trainingMemory(training, plan, trainingTask(task).rows)
  checkMemory(memory)
  progress?.step('Memory').done(memoryText(memory))
  const own = await runIdentity(folder, prepared, options, settings, data.maxLength)
  const said = taught?.answers
  const identity = { ...own, ...teaching?.recipe, ...(said && { answers: said.key }) }
  const checkpoints = new Checkpoints(`${output}.training`, identity)
  const from = checkpointOf(checkpoints, options)
  const answers = await said?.open(checkpoints.folder)
  const devAnswers = await taught?.judged?.answers.open(checkpoints.folder)
  const running = { checkpoints, from, answers, devAnswers, maxMinutes, signal, progress }
  const finished = await runTraining(prepared, running).finally(() => {
    answers?.close()
    devAnswers?.close()
  })
  const kept = checkpoints.learned(finished.weights)
  const learned = lora ? await mergeAdapters(lora, kept, signal) : kept
  const { quantize } = settings
  const plans = quantize ? trainedPlans(quantize, training, learned) : []
  const rounded = quantize && roundedReport(quantize, plans)
  return {
    training: { ...trainingReport({ options, prepared, memory, finished }), rounded },
    identity,
    plans,
    write: (target, dtype) => writeTrained(model, learned, folder.path, target, dtype),
    forget() {
      if (finished.progress.ended !== 'time') checkpoints.remove()
    },
  }
}

/** What to go on from. @throws LimbeckError `usage` where a run would be lost, or there is none. */
function checkpointOf(checkpoints: Checkpoints, { resume, overwrite }: TrainOptions) {
  if (resume) {
    if (checkpoints.exist) return checkpoints.read()
    throw new LimbeckError('usage', `--resume: there is no checkpoint in ${checkpoints.folder}.`, {
      hint: 'Leave --resume out to begin, or name the --output of that run.',
    })
  }
  if (!checkpoints.exist) return undefined
  if (!overwrite) {
    throw new LimbeckError('usage', `${checkpoints.folder} holds a run that was stopped.`, {
      hint: 'Pass --resume to go on with it, or --overwrite to begin anew.',
    })
  }
  checkpoints.remove()
  return undefined
}
