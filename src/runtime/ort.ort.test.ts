import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { describeWith } from '../../test/support/fixtures.ts'
import { builtEntry } from './built-entry.ts'
import { explainLoadFailure, loadOrt, ortVersion } from './ort.ts'
import { tinyBert } from './testing/tiny-bert.ts'

const built = (name: string): string => pathToFileURL(builtEntry(import.meta.url, name)).href

/** A new process with an empty home and no word about telemetry; its output and what it left at home. */
function runAtNewHome(script: string): { stdout: string; stderr: string; home: string[] } {
  const home = mkdtempSync(join(tmpdir(), 'limbeck-home-'))
  const { ORT_DISABLE_TELEMETRY: _, XDG_CACHE_HOME: __, ...env } = process.env
  try {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...env, HOME: home },
      encoding: 'utf8',
    })
    return { stdout, stderr, home: readdirSync(home, { recursive: true }) as string[] }
  } finally {
    rmSync(home, { recursive: true })
  }
}

it('loads once and says its version', async () => {
  expect(loadOrt()).toBe(loadOrt())
  expect(await ortVersion()).toMatch(/^1\.\d+\.\d+$/)
})

describeWith(tinyBert, 'a process that runs a model', () => {
  it('sends no telemetry: it leaves nothing in the home folder, and nothing on the terminal', () => {
    for (const open of ['inline', 'process']) {
      const name = open === 'inline' ? 'openInline' : 'openProcess'
      const result = runAtNewHome(`
        import { ${name} } from ${JSON.stringify(built(`./open-${open}`))}
        const engine = await ${name}(${JSON.stringify(tinyBert)})
        const ids = (value) => ({ dtype: 'int64', shape: [1, 4], data: new BigInt64Array(4).fill(value) })
        const feeds = { input_ids: ids(1n), attention_mask: ids(1n), token_type_ids: ids(0n) }
        await engine.run(feeds)
        await engine.run({ ...feeds, input_ids: ids(9999n) }).catch(() => {})
        await engine.release()
        console.log('ran')`)
      expect(result).toEqual({ stdout: 'ran\n', stderr: '', home: [] })
    }
  })
})

it('refuses to be loaded first in a worker thread, whose environment native code never sees', async () => {
  const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env
  const script = `import(${JSON.stringify(built('./ort'))}).then(({ loadOrt }) => loadOrt()).catch(
    (error) => require('node:worker_threads').parentPort.postMessage(error.message))`
  const worker = new Worker(script, { eval: true, env })
  expect(await new Promise((resolve) => worker.once('message', resolve))).toContain('worker thread')
  await worker.terminate()
})

it('explains why a library did not load', () => {
  const explain = (error: object) => {
    const { code, message, hint } = explainLoadFailure(error, 'linux x64')
    return [code, message, hint]
  }
  expect(
    explain({ code: 'ERR_MODULE_NOT_FOUND', message: "Cannot find package 'onnxruntime-node'" }),
  ).toEqual([
    'runtime',
    'ONNX Runtime did not load: the package onnxruntime-node is not installed.',
    'Run npm install.',
  ])
  expect(
    explain({
      code: 'MODULE_NOT_FOUND',
      message: "Cannot find module '../bin/x/onnxruntime_binding.node'",
    })[1],
  ).toBe('ONNX Runtime did not load: onnxruntime-node has no library for linux x64.')
  const musl = 'Error loading shared library ld-linux-x86-64.so.2: No such file or directory'
  expect(explain({ code: 'ERR_DLOPEN_FAILED', message: musl })[2]).toContain('not Alpine')
  expect(explain({ message: 'odd' })[1]).toBe('ONNX Runtime did not load: odd (linux x64).')
})
