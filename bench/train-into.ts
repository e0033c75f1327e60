/** A run of `limbeck` that makes a model, as a command: it goes on where it was stopped, and is made once. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Report } from '../src/report/report.ts'
import { builtCommand, say, typed } from './places.ts'

/** Runs `limbeck <args> -o <out>` unless `out` stands; ends this process where it fails. */
export function trainInto(out: string, args: readonly string[]): void {
  if (existsSync(out)) return
  const isBegun = existsSync(join(`${out}.training`, 'state.safetensors'))
  const all = [...args, '-o', out, ...(isBegun ? ['--resume'] : [])]
  say(`limbeck ${typed(all)}`)
  const { status } = spawnSync(process.execPath, [builtCommand, ...all], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) process.exit(status ?? 1)
}

/** What such a run reported. */
export const reportOf = (out: string): Report =>
  (JSON.parse(readFileSync(join(out, 'limbeck.json'), 'utf8')) as { report: Report }).report
