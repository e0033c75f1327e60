import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { describeWith } from '../../test/support/fixtures.ts'
import { builtEntry } from './built-entry.ts'
import { openInline } from './open-inline.ts'
import { openProcess, type ProcessEngine } from './open-process.ts'
import { recorded, tinyBert, tinyFeeds } from './testing/tiny-bert.ts'

/** True while the process runs (a zombie does not). */
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Milliseconds of CPU that a process has used (Linux: ticks of 10 ms). */
const cpuMs = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const onLinux = existsSync('/proc/self/stat')

async function withEngine(
  options: Parameters<typeof openProcess>[1],
  body: (engine: ProcessEngine) => Promise<void>,
): Promise<void> {
  const engine = await openProcess(tinyBert, { threads: 1, ...options })
  try {
    await body(engine)
  } finally {
    await engine.release()
  }
}

describeWith(tinyBert, 'openProcess', () => {
  it('answers exactly as an inline engine, in order, also when asked all at once', () =>
    withEngine({}, async (engine) => {
      const inline = await openInline(tinyBert, { threads: 1 })
      expect([engine.inputs, engine.outputs]).toEqual([inline.inputs, inline.outputs])
      expect(await engine.run(recorded())).toEqual(await inline.run(recorded()))
      const order: number[] = []
      const runs = [30, 1, 5].map(async (batch, i) => {
        const { logits } = await engine.run(tinyFeeds(batch, 16))
        order.push(i)
        expect(logits!.shape).toEqual([batch, 3])
      })
      await Promise.all(runs)
      expect(order).toEqual([0, 1, 2])
      await inline.release()
    }))

  it('carries megabytes through the pipe without losing a byte', () =>
    withEngine({}, async (engine) => {
      const feeds = tinyFeeds(4096, 32)
      const { outputs, ms } = await engine.runTimed(feeds)
      expect(outputs.logits!.shape).toEqual([4096, 3])
      const inline = await openInline(tinyBert, { threads: 1 })
      expect(outputs).toEqual(await inline.run(feeds))
      expect(ms).toBeGreaterThan(1)
      await inline.release()
    }))

  it("leaves the host's event loop free", () =>
    withEngine({}, async (engine) => {
      const feeds = tinyFeeds(1024, 32)
      const before = performance.eventLoopUtilization()
      const times = await engine.time(feeds, 5)
      const { utilization } = performance.eventLoopUtilization(before)
      expect(times).toHaveLength(5)
      expect(times.reduce((a, b) => a + b)).toBeGreaterThan(150)
      expect(utilization).toBeLessThan(0.5)
    }))

  it('reports errors of the model and of its feeds in the same words', async () => {
    await expect(openProcess('/nowhere/a.onnx')).rejects.toMatchObject({
      name: 'LimbeckError',
      code: 'input',
      message: expect.stringContaining('/nowhere/a.onnx: ONNX Runtime cannot load it:'),
    })
    await expect(openProcess(tinyBert, { thread: 1 } as never)).rejects.toThrow('not known')
    await withEngine({}, async (engine) => {
      await expect(engine.run({})).rejects.toThrow("'input_ids'")
      const outside = {
        dtype: 'int64',
        shape: [1, 8],
        data: new BigInt64Array(8).fill(999n),
      } as const
      await expect(engine.run({ ...tinyFeeds(1, 8), input_ids: outside })).rejects.toMatchObject({
        code: 'input',
        message: expect.stringContaining('out of data bounds'),
      })
      expect(await engine.run(tinyFeeds(1, 8))).toHaveProperty('logits')
    })
  })

  it('kills a run that misses its deadline, and refuses those behind it', () =>
    withEngine({ deadlineMs: 100 }, async (engine) => {
      await engine.run(tinyFeeds(1, 8), { deadlineMs: 60_000 })
      const late = engine.time(tinyFeeds(1024, 32), 100)
      const behind = engine.run(tinyFeeds(1, 8), { deadlineMs: 60_000 })
      behind.catch(() => {})
      await expect(late).rejects.toThrow('torchscript.onnx: no answer within 100 ms.')
      await expect(behind).rejects.toThrow(
        'torchscript.onnx: its process was ended earlier: torchscript.onnx: no answer within 100 ms.',
      )
      await engine.release()
      expect(alive(engine.pid!)).toBe(false)
    }))

  it('cancels a waiting run alone, and with a run under way the process', () =>
    withEngine({}, async (engine) => {
      const waiting = new AbortController()
      const first = engine.time(tinyFeeds(64, 32), 3)
      const second = engine.run(tinyFeeds(1, 8), { signal: waiting.signal })
      waiting.abort()
      await expect(second).rejects.toMatchObject({ code: 'cancelled' })
      await expect(first).resolves.toHaveLength(3)
      const running = new AbortController()
      const third = engine.time(tinyFeeds(1024, 32), 1000, { signal: running.signal })
      setTimeout(() => running.abort(), 50)
      await expect(third).rejects.toMatchObject({ code: 'cancelled' })
      await expect(engine.run(tinyFeeds(1, 8))).rejects.toThrow('its process was ended earlier')
    }))

  it('names the signal that killed its process', () =>
    withEngine({}, async (engine) => {
      const run = engine.time(tinyFeeds(1024, 32), 1000)
      setTimeout(() => process.kill(engine.pid!, 'SIGSEGV'), 100)
      await expect(run).rejects.toMatchObject({
        code: 'runtime',
        message: 'torchscript.onnx: its process was killed by SIGSEGV.',
        hint: expect.stringContaining('crashed'),
      })
      await expect(engine.memory()).rejects.toThrow('SIGSEGV')
    }))

  it('releases once, after the runs asked for before, and the process ends', async () => {
    const engine = await openProcess(tinyBert, { threads: 1 })
    const run = engine.run(tinyFeeds(256, 32))
    const released = engine.release()
    expect(engine.release()).toBe(released)
    await expect(run).resolves.toHaveProperty('logits')
    await released
    expect(alive(engine.pid!)).toBe(false)
    await expect(engine.run(tinyFeeds(1, 8))).rejects.toThrow('has been released')
  })

  it('tells the memory of the process', () =>
    withEngine({}, async (engine) => {
      // a parent's own peak must not show in its child's
      const ballast = Buffer.alloc(300e6, 1)
      await engine.run(tinyFeeds(1, 8))
      const before = await engine.memory()
      await engine.run(tinyFeeds(2048, 32))
      const after = await engine.memory()
      expect(before.baseline).toBeGreaterThan(20e6)
      expect(before.afterLoad).toBeGreaterThanOrEqual(before.baseline * 0.9)
      expect(before.peak).toBeLessThan(ballast.length)
      expect(after.peak).toBeGreaterThan(before.peak + 2048 * 32 * 32 * 4)
    }))

  it.runIf(onLinux)('spins no thread between runs', () =>
    withEngine({ threads: 2 }, async (engine) => {
      await engine.time(tinyFeeds(64, 32), 20)
      const before = cpuMs(engine.pid!)
      await sleep(1000)
      expect(cpuMs(engine.pid!) - before).toBeLessThan(50)
    }),
  )

  it.runIf(onLinux)(
    'ends when its host is killed, and does not keep an idle host alive',
    async () => {
      const open = pathToFileURL(builtEntry(import.meta.url, './open-process')).href
      const script = (then: string) => `
      import { openProcess } from ${JSON.stringify(open)}
      const engine = await openProcess(${JSON.stringify(tinyBert)}, { threads: 1 })
      console.log(engine.pid)
      ${then}`
      const host = (then: string) =>
        spawn(process.execPath, ['--input-type=module', '-e', script(then)], { stdio: 'pipe' })
      const pidOf = async (child: ReturnType<typeof host>) =>
        Number(await new Promise((resolve) => child.stdout.once('data', resolve)))

      const idle = host('')
      const idleChild = await pidOf(idle)
      expect(await new Promise((resolve) => idle.on('exit', resolve))).toBe(0)
      const killed = host('setInterval(() => {}, 1000)')
      const killedChild = await pidOf(killed)
      killed.kill('SIGKILL')
      await sleep(500)
      expect([alive(idleChild), alive(killedChild)]).toEqual([false, false])
    },
  )
})
