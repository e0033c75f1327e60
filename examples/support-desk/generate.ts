// The data of the support desk: 20 intents, 8,000 utterances in three splits, from one seed.
// The one idea: a split owns its templates. Each intent's templates are dealt to train, dev and
// test before any utterance is made, so the test split measures unseen phrasings, not unseen slots.

import { account } from './grammar/account.ts'
import {
  ASK,
  CLOSING,
  CONTEXT,
  GREETING,
  MENTION,
  MENTION_FIRST,
  MENTION_LAST,
} from './grammar/frames.ts'
import { goods } from './grammar/goods.ts'
import { FORMS, type Form, type Intent, templatesOf } from './grammar/intent.ts'
import { money } from './grammar/money.ts'
import { orders } from './grammar/orders.ts'
import { fill } from './grammar/slots.ts'
import { noisy } from './noise.ts'
import { type Random, random } from './random.ts'

export const INTENTS: Record<string, Intent> = { ...orders, ...goods, ...money, ...account }

/**
 * Utterances per intent; per cent of its templates that each split owns; per cent of utterances
 * that mention an intent they do not ask for. Train has more of those: they are what is to learn.
 */
export const SPLITS = {
  test: { utterances: 80, share: 20, mentions: 30 },
  dev: { utterances: 40, share: 10, mentions: 30 },
  train: { utterances: 280, share: 70, mentions: 55 },
} as const

export type Split = keyof typeof SPLITS

export interface Utterance {
  text: string
  label: string
  /** The templates it was made of: the one asked for, and the one only mentioned. */
  templates: string[]
}

interface Template {
  label: string
  form: Form
  text: string
}

type Mentioned = Template & { form: keyof typeof MENTION }

type Deal = Record<string, Template[]>

export function generate(seed = 20260): Record<Split, Utterance[]> {
  const from = random(seed)
  const deals = deal(from)
  const seen = new Set<string>()
  const make = (split: Split) => makeSplit(split, deals[split], seen, from)
  return { test: make('test'), dev: make('dev'), train: make('train') }
}

/** Walks the intents in turn, and each intent through its templates, until all are full. */
function makeSplit(split: Split, own: Deal, seen: Set<string>, from: Random): Utterance[] {
  const { utterances, mentions } = SPLITS[split]
  const labels = Object.keys(INTENTS)
  const made = new Map(labels.map((label): [string, Utterance[]] => [label, []]))
  const add = (asked: Template, other?: Mentioned) => {
    const utterance = compose(asked, other, from)
    const key = utterance.text.toLowerCase().replace(/\W+/g, ' ').trim()
    const list = made.get(asked.label)!
    if (seen.has(key) || list.length === utterances) return
    seen.add(key)
    list.push(utterance)
  }
  for (let turn = 0; labels.some((label) => made.get(label)!.length < utterances); turn++) {
    for (const label of labels) {
      const asked = own[label]![turn % own[label]!.length]!
      const other = from.chance(mentions) ? mention(label, own, from) : undefined
      add(asked, other)
      // the same two intents with the roles swapped: the words alone do not give the label away
      if (other && isMentionable(asked)) add(other, asked)
    }
  }
  return from.shuffle([...made.values()].flat())
}

export function toTsv(utterances: readonly Utterance[]): string {
  return `text\tlabel\n${utterances.map(({ text, label }) => `${text}\t${label}\n`).join('')}`
}

/** Deals the templates of every intent and form to the splits, each to exactly one. */
function deal(from: Random): Record<Split, Deal> {
  const deals: Record<Split, Deal> = { test: {}, dev: {}, train: {} }
  for (const [label, intent] of Object.entries(INTENTS)) {
    for (const form of FORMS) {
      const all = from.shuffle(intent[form].flatMap(templatesOf))
      const left = [...all]
      for (const split of Object.keys(SPLITS) as Split[]) {
        const count = Math.ceil((all.length * SPLITS[split].share) / 100)
        const own = left.splice(0, count).map((text) => ({ label, form, text }))
        deals[split][label] = [...(deals[split][label] ?? []), ...own]
      }
    }
  }
  return deals
}

function compose(asked: Template, other: Mentioned | undefined, from: Random): Utterance {
  const templates = [asked.text]
  let text = from.pick(ASK[asked.form]).replace('*', asked.text)
  if (other) {
    const joint = from.pick(from.chance(35) ? MENTION_LAST : MENTION_FIRST)
    const frame = from.pick(MENTION[other.form]).replace('*', other.text)
    text = joint.replace('@', frame).replace('*', text)
    templates.push(other.text)
  }
  if (from.chance(35)) text = `${from.pick(CONTEXT)}${from.pick([', ', '. ', ' - '])}${text}`
  if (from.chance(25)) text = `${from.pick(GREETING)}${from.pick([', ', ' ', '! '])}${text}`
  if (from.chance(20)) text = `${text}${from.pick([', ', '. ', ' '])}${from.pick(CLOSING)}`
  return { text: noisy(fill(text, new Map(), from), from), label: asked.label, templates }
}

/**
 * A template of another intent, from the same split; a neighbour in two of three cases. Only
 * templates of one clause: "i do not want to log in, i forgot my password" still states a problem.
 */
function mention(label: string, own: Deal, from: Random): Mentioned {
  const others = Object.keys(INTENTS).filter((name) => name !== label)
  const names = from.chance(67) ? INTENTS[label]!.near : others
  const fit = names
    .map((name) => own[name]!.filter(isMentionable))
    .filter((some) => some.length > 0)
  return from.pick(from.pick(fit))
}

function isMentionable(template: Template): template is Mentioned {
  return template.form !== 'say' && !/,| but /.test(template.text)
}
