/**
 * Reads a Hugging Face `config.json`: typed keys with one clear error each.
 *
 * Sizes are bounded before anything is allocated, so that an absurd configuration is refused by name.
 */
import { LimbeckError, showValue } from '../errors.ts'

/** A parsed `config.json` and the file it came from (for messages). */
export interface ModelConfig {
  readonly file: string
  readonly json: Readonly<Record<string, unknown>>
}

const LARGEST_SIZE = 2 ** 24

/** The first of `keys` that is a positive integer; `fallback` when none is there. */
export function sizeOf(config: ModelConfig, keys: readonly string[], fallback?: number): number {
  const key = keys.find((name) => config.json[name] !== undefined && config.json[name] !== null)
  const value = key === undefined ? fallback : config.json[key]
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= LARGEST_SIZE) {
    return value
  }
  throw new LimbeckError(
    'input',
    `${config.file}: expected ${keys[0]} to be a whole number from 1 to ${LARGEST_SIZE}, found ${showValue(value)}.`,
    { hint: 'Restore the config.json that the weights were saved with.' },
  )
}

/** A number, or `fallback` when the key is absent. */
export function numberOf(config: ModelConfig, key: string, fallback: number): number {
  const value = config.json[key] ?? fallback
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new LimbeckError(
    'input',
    `${config.file}: expected ${key} to be a number, found ${showValue(value)}.`,
  )
}

/** A text, or `fallback` when the key is absent. */
export function textOf(config: ModelConfig, key: string, fallback: string): string {
  const value = config.json[key] ?? fallback
  if (typeof value === 'string') return value
  throw new LimbeckError(
    'input',
    `${config.file}: expected ${key} to be a text, found ${showValue(value)}.`,
  )
}

/** More classes than any published head has; a number alone must not make millions of names. */
const MOST_LABELS = 2 ** 18

/** Labels by class index, from `id2label` (or `LABEL_n` for `num_labels`); 2 when neither is given. */
export function labelsOf(config: ModelConfig): string[] {
  const map = config.json.id2label
  if (typeof map === 'object' && map !== null) {
    const entries = Object.entries(map).map(([id, label]) => {
      const name = typeof label === 'object' ? showValue(label) : String(label)
      return [Number(id), name] as const
    })
    const labels: string[] = []
    for (const [id, label] of entries) labels[id] = label
    if (entries.length > 0 && labels.length === entries.length && !labels.includes(undefined!)) {
      return labels
    }
    throw new LimbeckError(
      'input',
      `${config.file}: expected id2label to number the labels from 0 without gaps, found ${Object.keys(map).slice(0, 8).join(', ')}.`,
    )
  }
  const count = sizeOf(config, ['num_labels'], 2)
  if (count > MOST_LABELS) {
    throw new LimbeckError(
      'input',
      `${config.file}: expected at most ${MOST_LABELS} labels, found num_labels ${count}.`,
      { hint: 'Restore the config.json that the weights were saved with.' },
    )
  }
  return Array.from({ length: count }, (_, i) => `LABEL_${i}`)
}
