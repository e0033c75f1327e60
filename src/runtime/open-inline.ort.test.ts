import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeWith } from '../../test/support/fixtures.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { openInline } from './open-inline.ts'
import { recorded, tinyBert, tinyFeeds } from './testing/tiny-bert.ts'

const worst = (a: HostTensor, b: HostTensor): number =>
  Math.max(...[...a.data].map((x, i) => Math.abs(Number(x) - Number(b.data[i]))))

describeWith(tinyBert, 'openInline', () => {
  it('gives the recorded outputs, from a path and from bytes, at every optimization', async () => {
    const io = recorded()
    for (const optimization of ['limbeck', 'default', 'basic', 'disabled'] as const) {
      for (const model of [tinyBert, readFileSync(tinyBert)]) {
        const engine = await openInline(model, { optimization, threads: 1 })
        const { logits } = await engine.run(io)
        expect(logits?.shape).toEqual(io.logits?.shape)
        expect(worst(logits!, io.logits!)).toBeLessThan(1e-4)
        await engine.release()
      }
    }
  })

  it('knows its ports, times runs and gives only the outputs asked for', async () => {
    const engine = await openInline(tinyBert, { threads: 1 })
    expect(engine.inputs[0]).toEqual({
      name: 'input_ids',
      dtype: 'int64',
      shape: ['batch', 'sequence'],
    })
    expect(engine.outputs).toEqual([{ name: 'logits', dtype: 'float32', shape: ['batch', 3] }])
    const { outputs, ms } = await engine.runTimed(tinyFeeds(1, 8), { outputs: ['logits'] })
    expect(Object.keys(outputs)).toEqual(['logits'])
    expect(ms).toBeGreaterThan(0)
    expect(await engine.time(tinyFeeds(1, 8), 3)).toHaveLength(3)
    await engine.release()
  })

  it('takes feeds in shared memory and in views', async () => {
    const engine = await openInline(tinyBert, { threads: 1 })
    const plain = await engine.run(tinyFeeds(1, 8))
    const shared = new BigInt64Array(new SharedArrayBuffer(80), 16, 8).fill(7n)
    const feeds = { ...tinyFeeds(1, 8), input_ids: { dtype: 'int64', shape: [1, 8], data: shared } }
    expect((await engine.run(feeds as never)).logits).toEqual(plain.logits)
    await engine.release()
  })

  it('says in one sentence what is wrong with the feeds', async () => {
    const engine = await openInline(tinyBert, { threads: 1 })
    const feeds = tinyFeeds(1, 8)
    const { input_ids: _, ...missing } = feeds
    await expect(engine.run(missing)).rejects.toThrow(
      "torchscript.onnx: input 'input_ids' is missing: the model takes 'input_ids', 'attention_mask', 'token_type_ids', got 'attention_mask', 'token_type_ids'.",
    )
    const wrong = { dtype: 'int32', shape: [1, 8], data: new Int32Array(8) } as const
    await expect(engine.run({ ...feeds, input_ids: wrong })).rejects.toThrow(
      "torchscript.onnx: input 'input_ids': expected int64[batch, sequence], got int32[1, 8].",
    )
    const short = { dtype: 'int64', shape: [1, 8], data: new BigInt64Array(7) } as const
    await expect(engine.run({ ...feeds, input_ids: short })).rejects.toThrow(
      'expected 64 bytes in a BigInt64Array for int64[1, 8], got 56 bytes in a BigInt64Array.',
    )
    await expect(engine.run(feeds, { outputs: ['nope'] })).rejects.toThrow(
      "torchscript.onnx has no output 'nope': it gives 'logits'.",
    )
    const outside = {
      dtype: 'int64',
      shape: [1, 8],
      data: new BigInt64Array(8).fill(9999n),
    } as const
    await expect(engine.run({ ...feeds, input_ids: outside })).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(
        /^torchscript.onnx: the run failed: .*Gather.*out of data bounds/,
      ),
    })
    await engine.release()
  })

  it('releases once, after the runs asked for before, and runs no more', async () => {
    const engine = await openInline(tinyBert, { threads: 1 })
    const run = engine.run(tinyFeeds(4, 16))
    const released = engine.release()
    expect(engine.release()).toBe(released)
    await expect(run).resolves.toHaveProperty('logits')
    await released
    await expect(engine.run(tinyFeeds(1, 8))).rejects.toThrow('torchscript.onnx has been released.')
  })

  it('refuses files and bytes that are no model, and unknown options', async () => {
    await expect(openInline('/nowhere/a.onnx')).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('/nowhere/a.onnx: ONNX Runtime cannot load it:'),
    })
    await expect(openInline(new Uint8Array(10))).rejects.toThrow('protobuf parsing failed')
    await expect(openInline(tinyBert, { thread: 1 } as never)).rejects.toMatchObject({
      code: 'usage',
      hint: "Did you mean 'threads'?",
    })
    await expect(openInline(tinyBert, { threads: 0 })).rejects.toThrow(
      "Session option 'threads': expected a whole number from 1, got 0.",
    )
  })
})
