/** Where a run drops activations: as the configuration says, or everywhere with one probability. */
import type { TrainingPlan } from '../fit/training-plan.ts'
import { type DropoutRates, dropoutRates } from '../models/dropout-rates.ts'
import type { DropoutOptions } from '../train/dropout.ts'
import type { TrainedModel } from './train-model.ts'
import type { TrainSettings } from './train-settings.ts'

/** Rates of a configuration without any that users mean when they give one. */
const usual = { embeddings: 1, attention: 1, attentionOutput: 1, feedForward: 1, classifier: 0 }

/**
 * Dropout of a run; absent where nothing drops.
 * @param rowsEach of the model's batch for each example.
 */
export function trainDropout(
  { config, task, dims }: TrainedModel,
  { dropout, seed }: TrainSettings,
  { largest, mostPairs }: TrainingPlan,
  rowsEach: number,
): DropoutOptions | undefined {
  const own = dropoutRates(config, task)
  const places = Object.values(own).some((rate) => rate > 0) ? own : usual
  const rates = (
    dropout === undefined
      ? own
      : Object.fromEntries(
          Object.entries(places).map(([place, rate]) => [place, rate > 0 ? dropout : 0]),
        )
  ) as DropoutRates
  if (Object.values(rates).every((rate) => rate === 0)) return undefined
  const tokens = largest.rows * largest.width * rowsEach
  const width = Math.max(dims.hidden, dims.embedding)
  return { rates, seed, largest: Math.max(tokens * width, mostPairs * rowsEach * dims.heads) }
}
