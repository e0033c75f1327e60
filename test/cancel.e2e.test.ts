/**
 * Ctrl-C in the middle: exit code 130, the output as it was, nothing beside it, no process left alive.
 */
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { contentsOf, dataSlice, limbeck, main, modelWith } from './support/command.ts'
import { scratchFolder } from './support/tensors.ts'

const scratch = scratchFolder()
const data = ['--data', 'dev.tsv', '--label', 'label']
const optimize = ['optimize', 'model', ...data, '--shapes', '1x128', '--seconds', '30', '-o', 'out']
const onAllData = optimize.map((word) => (word === 'dev.tsv' ? 'all.tsv' : word))

const inspect = ['inspect', 'model', '--shape', '16x128']

const onLongData = optimize.map((word) => (word === 'dev.tsv' ? 'long.tsv' : word))

interface Case {
  readonly title: string
  readonly args: readonly string[]
  /** stderr when the signal is sent. */
  readonly at: RegExp
  /** Milliseconds later. */
  readonly after: number
  readonly signal?: 'SIGINT' | 'SIGTERM'
}

const cases: readonly Case[] = [
  { title: 'at the very start', args: optimize, at: /Writing variants \.\.\./, after: 0 },
  { title: 'while data is read', args: onLongData, at: /Reading long/, after: 100 },
  { title: 'while variants are written', args: optimize, at: /Writing variants/, after: 300 },
  { title: 'while variants are verified', args: optimize, at: /Verifying/, after: 150 },
  { title: 'while accuracy is measured', args: onAllData, at: /Measuring accuracy/, after: 100 },
  { title: 'while latency is measured', args: optimize, at: /Measuring latency/, after: 1500 },
  {
    title: 'over an old output',
    args: [...optimize.slice(0, -1), 'old', '--overwrite'],
    at: /Measuring latency/,
    after: 200,
  },
  {
    title: 'by SIGTERM',
    args: ['quantize', 'model', '-o', 'out'],
    at: /Writing/,
    after: 100,
    signal: 'SIGTERM',
  },
  {
    title: 'a benchmark',
    args: ['bench', 'model', '--vs', 'other', '--threads', '1', '--shapes', '1x128'],
    at: /Measuring/,
    after: 1000,
  },
  { title: 'an export', args: ['export', 'model', '-o', 'out'], at: /Verifying/, after: 100 },
  { title: 'a text', args: ['run', 'model', 'a text'], at: /Building/, after: 100 },
  { title: 'an inspection, building', args: inspect, at: /Inspecting/, after: 150 },
  { title: 'an inspection, measuring', args: inspect, at: /Inspecting/, after: 2500 },
  {
    title: 'an evaluation',
    args: ['eval', 'model', '--data', 'all.tsv', '--label', 'label', '--batch-size', '1'],
    at: /Evaluating/,
    after: 200,
  },
]

/** Ids of processes below another, by /proc; empty where there is none. */
function processesUnder(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const below = threads.flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' '),
    )
    return below.filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function allEnd(pids: readonly number[]): Promise<boolean> {
  for (let tries = 0; tries < 40; tries++) {
    if (!pids.some(isAlive)) return true
    await sleep(50)
  }
  return false
}

describe.skipIf(process.platform === 'win32')('Ctrl-C', () => {
  beforeAll(async () => {
    modelWith(join(scratch, 'model'))
    modelWith(join(scratch, 'other'))
    dataSlice(join(scratch, 'dev.tsv'), 60)
    const all = readFileSync(dataSlice(join(scratch, 'all.tsv'), 1600), 'utf8')
    const rows = all.slice(all.indexOf('\n') + 1)
    writeFileSync(join(scratch, 'long.tsv'), `text\tlabel\n${rows.repeat(60)}`)
    const { code } = await limbeck(['export', 'model', '-o', 'old', '--target', 'cpu'], {
      cwd: scratch,
    })
    expect(code).toBe(0)
  })

  // tried again: it ends soon on a machine that has time for it
  it.each(cases)('$title', { retry: 2 }, async ({ args, at, after, signal = 'SIGINT' }) => {
    const cwd = join(scratch, `case-${Math.random().toString(36).slice(2)}`)
    for (const model of ['model', 'other']) modelWith(join(cwd, model))
    for (const file of ['dev.tsv', 'all.tsv', 'long.tsv'])
      symlinkSync(join(scratch, file), join(cwd, file))
    cpSync(join(scratch, 'old'), join(cwd, 'old'), { recursive: true })
    const before = contentsOf(cwd)
    let seen: number[] | undefined
    let sent = 0
    const { code, stdout, stderr } = await limbeck(args, {
      cwd,
      onStderr: async (text, child) => {
        if (seen || !at.test(text)) return
        seen = []
        await sleep(after)
        seen = processesUnder(child.pid!)
        sent = performance.now()
        child.kill(signal)
      },
    })
    const took = performance.now() - sent
    expect(seen, `${main} never came to ${at}`).toBeDefined()
    expect(stderr).toMatch(/^Stopping; once more stops at once\.\n(.*\n)*error: Cancelled\.\n$/m)
    expect(stderr).not.toMatch(/^\s+at |internal:/m)
    expect(stdout).toBe('')
    expect(code).toBe(signal === 'SIGINT' ? 130 : 143)
    expect(contentsOf(cwd)).toEqual({ ...before, 'tmp/': '' })
    expect(await allEnd(seen!)).toBe(true)
    expect(took).toBeLessThan(1500)
    if (process.platform === 'linux' && after > 0 && args !== onLongData)
      expect(seen!.length).toBeGreaterThan(0)
  })

  it('twice: at once, and still nothing stays', async () => {
    const cwd = join(scratch, 'twice')
    modelWith(join(cwd, 'model'))
    const before = contentsOf(cwd)
    let seen: number[] | undefined
    const { code, stderr } = await limbeck(inspect, {
      cwd,
      onStderr: async (text, child) => {
        if (seen) return void (/Stopping/.test(text) && child.kill('SIGINT'))
        seen = []
        await sleep(1200)
        seen = processesUnder(child.pid!)
        child.kill('SIGINT')
      },
    })
    expect(stderr).toMatch(/Stopping; once more stops at once\.\n/)
    expect(code).toBe(130)
    expect(contentsOf(cwd)).toEqual({ ...before, 'tmp/': '' })
    expect(await allEnd(seen!)).toBe(true)
  })

  it('to the whole group of processes, as a terminal sends it', async () => {
    const cwd = join(scratch, 'group')
    modelWith(join(cwd, 'model'))
    dataSlice(join(cwd, 'dev.tsv'), 40)
    const before = contentsOf(cwd)
    let seen: number[] | undefined
    const { code, stderr } = await limbeck(optimize, {
      cwd,
      onStderr: async (text, child) => {
        if (seen || !/Measuring latency/.test(text)) return
        seen = []
        await sleep(500)
        seen = processesUnder(child.pid!)
        for (const pid of [...seen, child.pid!]) process.kill(pid, 'SIGINT')
      },
    })
    expect(stderr).toMatch(/error: Cancelled\.\n$/)
    expect(code).toBe(130)
    expect(contentsOf(cwd)).toEqual({ ...before, 'tmp/': '' })
    expect(await allEnd(seen!)).toBe(true)
  })
})
