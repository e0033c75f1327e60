import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { builtEntry } from './built-entry.ts'
import { Executor } from './executor.ts'

const folder = mkdtempSync(join(tmpdir(), 'limbeck-executor-'))
afterAll(() => rmSync(folder, { recursive: true }))

let programs = 0
/** A process that does this when the first request comes. */
function dying(deed: string): Executor {
  const path = join(folder, `${++programs}.mjs`)
  writeFileSync(
    path,
    `import { Socket } from 'node:net'
     const socket = new Socket({ fd: 3, readable: true, writable: true })
     process.stderr.write('a warning of long ago\\n')
     socket.once('data', () => { ${deed} })`,
  )
  return new Executor('m.onnx', path)
}

describe('an executor whose process dies', () => {
  test.each([
    {
      how: 'killed',
      deed: "process.kill(process.pid, 'SIGKILL')",
      message: 'm.onnx: its process was killed by SIGKILL.',
      hint: /^Systems kill a process when memory runs out: use a smaller batch or more memory\.$/,
    },
    {
      how: 'aborting with a message of C++',
      deed: `process.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\\n  what():  std::bad_alloc\\n", () => process.abort())`,
      message: 'm.onnx: its process was killed by SIGABRT.',
      hint: /It said: what\(\): {2}std::bad_alloc$/,
    },
    {
      how: 'throwing an error with details',
      deed: "throw Object.assign(new TypeError('no such tensor'), { code: 'ERR_X', detail: [1] })",
      message: 'm.onnx: its process ended with exit code 1.',
      hint: /^It said: TypeError: no such tensor$/,
    },
    {
      how: 'ending with a code and a last line',
      deed: "process.stderr.write('no licence for this model\\n', () => process.exit(7))",
      message: 'm.onnx: its process ended with exit code 7.',
      hint: /^It said: no licence for this model$/,
    },
  ])('$how', async ({ deed, message, hint }) => {
    const executor = dying(deed)
    const under = executor.request({ op: 'memory' })
    const behind = executor.request({ op: 'memory' })
    const told = { code: 'runtime', message, hint: expect.stringMatching(hint) }
    const [first, second] = await Promise.allSettled([under, behind])
    expect(first).toMatchObject({ status: 'rejected', reason: told })
    expect(second).toMatchObject({ status: 'rejected', reason: told })
    await expect(executor.request({ op: 'memory' })).rejects.toMatchObject(told)
    await executor.end()
  })
})

describe('requests that lie with the process', { retry: 2 }, () => {
  const frames = pathToFileURL(builtEntry(import.meta.url, './frames')).href
  /** Answers each request with how many had come when it was answered; 200 ms each. */
  const program = join(folder, 'counting.mjs')
  writeFileSync(
    program,
    `import { Socket } from 'node:net'
     import { FrameReader, encodeFrame } from ${JSON.stringify(frames)}
     const socket = new Socket({ fd: 3, readable: true, writable: true })
     const reader = new FrameReader()
     let come = 0
     let turn = Promise.resolve()
     socket.on('data', (chunk) => {
       for (const _ of reader.push(chunk)) {
         come++
         turn = turn.then(() => new Promise((resolve) => setTimeout(resolve, 200)))
         turn = turn.then(() => { for (const part of encodeFrame({ come })) socket.write(part) })
       }
     })
     socket.on('close', () => process.exit(0))`,
  )
  const ask = async (executor: Executor, signal?: AbortSignal): Promise<number> => {
    const { header } = await executor.request({ op: 'memory' }, [], signal ? { signal } : {})
    return (header as unknown as { come: number }).come
  }

  test('are a few, so that it never waits for its host, and are answered in order', async () => {
    const executor = new Executor('m.onnx', program)
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(executor)))
    expect(answers).toEqual([4, 5, 6, 6, 6, 6])
    await executor.end()
  })

  test('can be cancelled alone; the others get their own answers', async () => {
    const executor = new Executor('m.onnx', program)
    await ask(executor)
    const waiting = new AbortController()
    const all = [ask(executor), ask(executor, waiting.signal), ask(executor)]
    await sleep(50)
    waiting.abort()
    const results = await Promise.allSettled(all)
    expect(results).toMatchObject([{ value: 4 }, { reason: { code: 'cancelled' } }, { value: 4 }])
    await executor.end()
  })

  test('a deadline counts from when a request is under way', async () => {
    const executor = new Executor('m.onnx', program)
    await ask(executor)
    const deadlineMs = 350
    const all = Array.from({ length: 4 }, () =>
      executor.request({ op: 'memory' }, [], { deadlineMs }),
    )
    await expect(Promise.all(all)).resolves.toHaveLength(4)
    await executor.end()
  })
})
