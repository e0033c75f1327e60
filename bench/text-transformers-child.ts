/** Transformers.js as an entrant of the text race: its pipeline on a rival's file, offline. */
import { env, pipeline } from '@huggingface/transformers'
import { serveTexts } from './text-child.ts'

serveTexts(async ({ model, threads }) => {
  env.allowRemoteModels = false
  env.localModelPath = model.folder!
  const extract = await pipeline('feature-extraction', model.name!, {
    dtype: model.dtype as 'fp32' | 'q8',
    session_options: { intraOpNumThreads: threads },
  })
  return async (text) => {
    const vector = await extract(text, { pooling: 'mean', normalize: true })
    return vector.data as Float32Array
  }
})
