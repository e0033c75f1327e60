/** all-MiniLM-L6-v2 under seeded random heads for named entities and for questions. */
import { realData } from './fixtures.ts'
import { namedLabels, writeRandomHead } from './random-head.ts'

export const minilm = realData('models/all-minilm-l6-v2')
const WIDTH = 384

/** The entity types of WNUT-17. */
export const wnutTypes = ['person', 'location', 'group', 'creative-work', 'corporation', 'product']
export const wnutLabels = ['O', ...wnutTypes.flatMap((type) => [`B-${type}`, `I-${type}`])]

/** The encoder as BertForTokenClassification. */
export const writeTagger = (folder: string): string =>
  writeRandomHead(minilm, folder, {
    config: { architectures: ['BertForTokenClassification'], ...namedLabels(wnutLabels) },
    rename: (name) => (name.startsWith('pooler.') ? undefined : `bert.${name}`),
    draw: {
      'classifier.weight': [wnutLabels.length, WIDTH],
      'classifier.bias': [wnutLabels.length],
    },
    seed: 17,
  })

/** The encoder as BertForQuestionAnswering. */
export const writeAnswerer = (folder: string): string =>
  writeRandomHead(minilm, folder, {
    config: { architectures: ['BertForQuestionAnswering'] },
    draw: { 'qa_outputs.weight': [2, WIDTH], 'qa_outputs.bias': [2] },
    seed: 7,
  })
