/** Real sentence embeddings: PyTorch's reference vectors, and Spearman on the STS-B test split. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { loadTokenizer } from '../src/data/tokenizer.ts'
import { rowReader } from '../src/fit/model-rows.ts'
import { predict } from '../src/fit/predict.ts'
import { evaluate } from '../src/jobs/evaluate.ts'
import { exportModel } from '../src/jobs/export-model.ts'
import { openModel } from '../src/jobs/load.ts'
import { openProcess } from '../src/runtime/index.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { readTensors, scratchFolder } from './support/tensors.ts'

const folder = realData('models/all-minilm-l6-v2')

describeWith(folder, 'all-MiniLM-L6-v2', () => {
  const output = `${scratchFolder()}/out`

  it('gives the reference embeddings within 1e-4, portable and for the CPU', async () => {
    await exportModel({ model: folder, output })
    const texts = JSON.parse(readFileSync(`${folder}/reference.json`, 'utf8')) as string[]
    const [reference] = Object.values(readTensors(`${folder}/reference.safetensors`)).filter(
      ({ shape }) => shape.length === 2,
    )
    const tokenizer = await loadTokenizer(folder)
    const encodings = texts.map((text) => tokenizer.encode(text, undefined, { maxLength: 256 }))
    const width = reference!.shape[1]!
    for (const file of ['model', 'model_cpu']) {
      const engine = await openProcess(`${output}/onnx/${file}.onnx`)
      const rows = await predict(engine, encodings, {
        reader: rowReader(openModel(folder)),
        batchSize: 16,
        padId: tokenizer.padId,
      })
      await engine.release()
      let largest = 0
      rows.forEach(([row], i) => {
        row!.forEach((value, j) => {
          largest = Math.max(largest, Math.abs(value - Number(reference!.data[i * width + j])))
        })
      })
      expect(rows).toHaveLength(64)
      expect(largest).toBeLessThanOrEqual(1e-4)
    }
  })

  it('reaches Spearman 0.8203 on STS-B test', async () => {
    const result = await evaluate({
      model: output,
      variant: 'model_cpu',
      data: {
        file: realData('text/stsb/original/sts-test.tsv'),
        text: '6',
        textPair: '7',
        label: '5',
      },
    })
    expect(result.n).toBe(1379)
    expect(result.task).toBe('similarity')
    const value = (name: string) => result.metrics.find((metric) => metric.name === name)!.value
    expect(value('spearman')).toBeCloseTo(0.8203, 4)
    expect(value('pearson')).toBeCloseTo(0.8274, 4)
  })
})
