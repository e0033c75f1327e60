/**
 * Text in, vector out: Limbeck's tokenizer, INT8 file and runtime against the pipeline of Transformers.js
 * on the rivals' files, each in a process of its own, equal threads, the same texts in turn.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { timeInterleaved } from '../src/bench/index.ts'
import { cosineSimilarity } from '../src/data/logits.ts'
import { loadTokenizer } from '../src/data/tokenizer.ts'
import type { ModelFiles } from './model-files.ts'
import { miniLm, paragraphsFile } from './places.ts'
import { type Race, rounded, type Wanted } from './race.ts'
import type { RaceLength } from './race-models.ts'
import type { TextReady, TextSetup, TextTimes } from './text-child.ts'

const limbeck = 'INT8, text to vector'
const fp32 = 'Transformers.js, fp32'
const q8 = 'Transformers.js, q8'

export const wantedOfTexts: readonly Wanted[] = [
  { ours: limbeck, rival: fp32, bound: 2.2 },
  { ours: limbeck, rival: q8, bound: 1.2 },
]

/** A race of texts, and how alike the vectors are that came out. */
export interface TextRace {
  readonly race: Race
  /** Tokens of the texts, special ones included. */
  readonly tokens: readonly number[]
  /** Least cosine of an entrant's vectors with those of Transformers.js in fp32. */
  readonly agreement: Readonly<Record<string, number>>
}

const TEXTS = 8

/** Races on the paragraphs whose length is nearest to 128 tokens. */
export async function raceTexts(
  files: ModelFiles,
  folder: string,
  length: RaceLength,
): Promise<TextRace> {
  const chosen = await textsNear(128)
  const texts = chosen.map(({ text }) => text)
  hubFolder(files.rivals, join(folder, 'hub/rivals'))
  const transformers = { folder: join(folder, 'hub'), name: 'rivals' }
  const entrants = [
    { name: fp32, child: 'transformers', model: { ...transformers, dtype: 'fp32' } },
    { name: q8, child: 'transformers', model: { ...transformers, dtype: 'q8' } },
    { name: limbeck, child: 'limbeck', model: { folder: miniLm, file: files.int8 } },
  ]
  const children: { name: string; process: ChildProcess; vectors: TextReady['vectors'] }[] = []
  try {
    for (const { name, child, model } of entrants) {
      const process = fork(join(import.meta.dirname, `text-${child}-child.js`))
      const setup: TextSetup = { model, threads: 1, texts }
      const { vectors } = await ask<TextReady>(name, process, setup)
      children.push({ name, process, vectors })
    }
    const timings = await timeInterleaved(
      children.map(({ name, process }) => ({
        name,
        // a quarter of the texts to warm the caches, then each text once
        run: async () => {
          const { times } = await ask<TextTimes>(name, process, { runs: TEXTS + TEXTS / 4 })
          return times.slice(TEXTS / 4)
        },
      })),
      { ...length, maxRounds: 1000 },
    )
    return {
      race: { title: 'texts', shape: '1x128', threads: 1, timings },
      tokens: chosen.map(({ tokens }) => tokens),
      agreement: Object.fromEntries(
        children.map(({ name, vectors }) => [name, leastCosine(vectors, children[0]!.vectors)]),
      ),
    }
  } finally {
    for (const { process } of children) process.kill()
  }
}

/** The folder that Transformers.js loads by path: fp32 and q8 with their weights beside them. */
function hubFolder(rivals: string, folder: string): void {
  mkdirSync(join(folder, 'onnx'), { recursive: true })
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json']) {
    copyFileSync(join(miniLm, name), join(folder, name))
  }
  const named = { torchscript: 'model', 'torchscript-q8': 'model_quantized' }
  for (const [rival, name] of Object.entries(named)) {
    cpSync(join(rivals, `${rival}.onnx`), join(folder, 'onnx', `${name}.onnx`))
    // the graph refers to its weights by the rival's own name
    cpSync(join(rivals, `${rival}.bin`), join(folder, 'onnx', `${rival}.bin`))
  }
}

async function textsNear(wanted: number): Promise<{ text: string; tokens: number }[]> {
  const { data } = JSON.parse(readFileSync(paragraphsFile, 'utf8')) as {
    data: { paragraphs: { context: string }[] }[]
  }
  const tokenizer = await loadTokenizer(miniLm)
  const off = ({ tokens }: { tokens: number }): number => Math.abs(tokens - wanted)
  return data
    .flatMap(({ paragraphs }) => paragraphs)
    .map(({ context }) => ({ text: context, tokens: tokenizer.encode(context).ids.length }))
    .sort((a, b) => off(a) - off(b))
    .slice(0, TEXTS)
}

const leastCosine = (own: TextReady['vectors'], rival: TextReady['vectors']): number =>
  rounded(Math.min(...own.map((vector, i) => cosineSimilarity(vector, rival[i]!))))

/** One question to a child and its answer. */
function ask<T>(name: string, child: ChildProcess, message: object): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void =>
      reject(new Error(`${name}: its process ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (answer) => {
      child.off('exit', ended)
      resolve(answer as T)
    })
    child.send(message)
  })
}
