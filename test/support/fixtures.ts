/**
 * Where the reference fixtures and real data stand, and how a test skips with one line without them.
 * `LIMBECK_FIXTURES` overrides the folder; `LIMBECK_REQUIRE_FIXTURES=1` turns a missing file into a failure.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const fixtures = process.env.LIMBECK_FIXTURES ?? join(root, '../shared/fixtures')
const data = join(fixtures, '../data')

/** Absolute path of a file or folder of the fixtures. */
export const fixture = (...parts: string[]): string => join(fixtures, ...parts)
/** Absolute path of a file or folder of the real data and weights. */
export const realData = (...parts: string[]): string => join(data, ...parts)

/** `describe` that runs where `path` exists, and otherwise skips with one line (or fails when fixtures are required). */
export function describeWith(path: string, title: string, body: () => void): void {
  if (existsSync(path)) {
    describe(title, body)
    return
  }
  if (process.env.LIMBECK_REQUIRE_FIXTURES === '1') {
    throw new Error(`${title}: ${path} is required but missing`)
  }
  describe.skip(`${title} (skipped: ${path} is absent)`, body)
}
