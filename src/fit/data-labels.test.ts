import { expect, test } from 'vitest'
import { dataLabels, labelsText, takenLabels } from './data-labels.ts'

const labels = (names: readonly string[], written: readonly unknown[], given?: string) =>
  dataLabels({
    names,
    given,
    written: async function* () {
      yield* written
    },
  })

/** What is shown after the labels were looked up. */
async function shown(names: readonly string[], written: readonly unknown[], given?: string) {
  const found = await labels(names, written, given)
  for (const label of written) found.map.classOf(label, 'dev.tsv:2')
  return labelsText(takenLabels(found))
}

const numbered = ['LABEL_0', 'LABEL_1', 'LABEL_2']

test('a model that names its classes is asked for nothing', async () => {
  const names = ['negative', 'positive']
  expect(await shown(names, ['1', '0', '1'])).toBe('0 → negative, 1 → positive')
  expect(await shown(names, ['Positive', 'negative'])).toBe('negative, Positive → positive')
  await expect(shown(names, ['neg'])).rejects.toThrow("dev.tsv:2: unknown label 'neg'")
})

test('a model of mere numbers takes the labels of the data', async () => {
  expect(await shown(numbered, ['2', 0, '1.0'])).toBe('0 → LABEL_0, 1.0 → LABEL_1, 2 → LABEL_2')
  expect(await shown(numbered, [3, 1, 2])).toBe(
    '1 → LABEL_0, 2 → LABEL_1, 3 → LABEL_2 (by numeric order; --label-map says otherwise)',
  )
  expect(await shown(numbered, ['low', 'high', 'middle'])).toBe(
    'high → 0, low → 1, middle → 2 (by sorted names; --label-map says otherwise)',
  )
  expect((await labels(numbered, ['low', 'high', 'middle'])).map.names).toEqual([
    'high',
    'low',
    'middle',
  ])
})

test('what cannot be inferred is an error with a cure', async () => {
  await expect(shown(numbered, ['a', 'b', 'c', 'd'])).rejects.toMatchObject({
    message:
      "dev.tsv:2: unknown label 'a'; the model's labels are LABEL_0, LABEL_1, LABEL_2 (or 0-2).",
    hint: expect.stringContaining('--label-map'),
  })
  await expect(shown(numbered, ['a', 'b'])).rejects.toThrow("unknown label 'a'")
  await expect(shown(['no', 'yes'], ['-1'])).rejects.toMatchObject({
    hint: expect.stringContaining('hidden'),
  })
})

test('class names of the file go by name, or name a model of mere numbers', async () => {
  const written = async function* () {}
  const of = async (names: readonly string[], classNames: readonly string[]) => {
    const { map, source } = await dataLabels({ names, classNames, written })
    return [source, [0, 1, '0', '-1'].map(map.find), map.names]
  }
  expect(await of(['positive', 'negative'], ['negative', 'positive'])).toEqual([
    'file',
    [1, 0, 1, undefined],
    ['positive', 'negative'],
  ])
  expect(await of(['LABEL_0', 'LABEL_1'], ['no', 'yes'])).toEqual([
    'file',
    [0, 1, 0, undefined],
    ['no', 'yes'],
  ])
  // names that the model does not know leave the numbers, as Hugging Face's trainers do
  expect(await of(['negative', 'positive'], ['neg', 'pos'])).toEqual([
    'model',
    [0, 1, 0, undefined],
    ['negative', 'positive'],
  ])
})

test('a given map is followed', async () => {
  expect(await shown(['negative', 'positive'], ['a', 'b'], 'a=1,b=negative')).toBe(
    'b → negative, a → positive',
  )
})
