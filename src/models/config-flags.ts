/** Truth values of a `config.json`, and the error for a value that a family cannot take. */
import { LimbeckError, showValue } from '../errors.ts'
import type { ModelConfig } from './config.ts'

/** What was expected of a key, and what stands there. */
export const wrongValue = (
  config: ModelConfig,
  key: string,
  expected: string,
  found: unknown,
): LimbeckError =>
  new LimbeckError(
    'input',
    `${config.file}: expected ${key} to be ${expected}, found ${showValue(found)}.`,
  )

/** A truth value, or `fallback` when the key is absent. */
export function flagOf(config: ModelConfig, key: string, fallback: boolean): boolean {
  const value = config.json[key] ?? fallback
  if (typeof value === 'boolean') return value
  throw wrongValue(config, key, 'true or false', value)
}
