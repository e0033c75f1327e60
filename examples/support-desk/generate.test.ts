// The committed data is what the generator makes, byte for byte, and keeps the promises of the
// README. After a change of the grammar, LIMBECK_REGENERATE=1 writes the files before comparing.

import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { generate, INTENTS, SPLITS, type Split, toTsv } from './generate.ts'
import { templatesOf } from './grammar/intent.ts'

const data = generate()
const splits = Object.keys(SPLITS) as Split[]

describe('the data of the support desk', () => {
  it.each(splits)('has %s.tsv committed as generated', (split) => {
    const file = new URL(`./${split}.tsv`, import.meta.url)
    const made = Buffer.from(toTsv(data[split]))
    if (process.env.LIMBECK_REGENERATE) writeFileSync(file, made)
    // compared as a whole: a diff of thousands of rows would tell nobody anything
    expect(readFileSync(file).equals(made)).toBe(true)
  })

  it('counts 8,000 utterances, every intent in every split', () => {
    expect(splits.reduce((sum, split) => sum + data[split].length, 0)).toBe(8000)
    for (const split of splits) {
      const counts = new Map<string, number>()
      for (const { label } of data[split]) counts.set(label, (counts.get(label) ?? 0) + 1)
      expect([...counts.keys()].sort()).toEqual(Object.keys(INTENTS).sort())
      expect(new Set(counts.values())).toEqual(new Set([SPLITS[split].utterances]))
    }
  })

  it('shares no template and no utterance between splits', () => {
    const owner = new Map<string, Split>()
    for (const split of splits) {
      for (const { text, templates } of data[split]) {
        for (const key of [text.toLowerCase(), ...templates]) {
          expect(owner.get(key) ?? split).toBe(split)
          owner.set(key, split)
        }
      }
    }
  })

  it('never uses one template for two intents', () => {
    const all = Object.values(INTENTS)
      .flatMap((intent) => [...intent.want, ...intent.please, ...intent.say])
      .flatMap(templatesOf)
    expect(new Set(all).size).toBe(all.length)
  })

  it('mentions an intent that is not asked for in more than a quarter of the utterances', () => {
    const mixed = data.test.filter(({ templates }) => templates.length > 1)
    expect(mixed.length / data.test.length).toBeGreaterThan(1 / 4)
  })

  it('writes plain rows: two fields, no quotes, no unfilled slot', () => {
    for (const split of splits) {
      for (const row of toTsv(data[split]).trimEnd().split('\n')) {
        expect(row.split('\t')).toHaveLength(2)
        expect(row).not.toMatch(/["{}|*]/)
      }
    }
  })
})
