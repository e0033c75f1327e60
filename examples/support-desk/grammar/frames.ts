// What surrounds a template without bearing a label: openers, small talk, and the frames that
// mention another intent without asking for it ("i do not want to ..., ..."). They are shared by
// all intents, so nothing in them gives the label away; the model has to read which clause asks.

import type { Form } from './intent.ts'

/** Ways to ask, by the form of the template that fills `*`. */
export const ASK: Record<Form, readonly string[]> = {
  want: [
    ...['i want to *', 'i would like to *', 'i need to *', 'how do i *', 'how can i *', '*'],
    ...['is there a way to *', 'is it possible to *', 'i am trying to *', 'help me *'],
    ...['i was hoping to *', 'what do i do to *', 'where do i go to *', 'all i want is to *'],
  ],
  please: [
    ...['can you *', 'could you please *', 'please *', 'would you *', 'i need you to *', '*'],
    ...['kindly *', 'can someone *', 'would you be so kind to *', 'i am asking you to *'],
    ...['you have to *', 'will you *', 'just *'],
  ],
  say: ['*', '*', '*', 'well, *', 'so *', 'look, *', 'it is about this: *', 'here is the thing: *'],
}

/** Mentions of an intent that is not asked for; the denial is always said, never implied. */
export const MENTION: Record<'want' | 'please', readonly string[]> = {
  want: [
    ...['i do not want to *', 'i am not trying to *', 'i am not here to *', 'i did not ask to *'],
    ...['i do not need to *', 'this is not a request to *', 'i am not writing to *'],
  ],
  please: [
    ...['you do not need to *', 'i am not asking you to *', 'please do not *', 'do not *'],
    ...['i did not ask you to *', 'this is not a request to *'],
  ],
}

/** Joins a mention and a request, in the order the text gives. */
export const MENTION_FIRST = [
  '@, *',
  '@. *',
  '@ but *',
  '@, now *',
  '@, instead *',
  '@ - *',
  '@; *',
]
export const MENTION_LAST = [
  '*, @',
  '*. @',
  '* and @',
  '*, mind you @',
  '* - @',
  '*. to be clear, @',
]

export const GREETING = [
  ...['hi', 'hello', 'hey', 'good morning', 'good evening', 'dear team', 'hi there', 'hello again'],
]

/** Neutral background: true of a customer with any intent. */
export const CONTEXT = [
  'i ordered a {item} {when}',
  'i bought a {item} from you {when}',
  'this is about {num}',
  'i have been a customer for {n} years',
  'i wrote to you {when} already',
  'my {relative} told me to ask here',
  'it is my first time shopping with you',
  'i looked through your help pages',
  'i am writing from my phone',
  'sorry to bother you',
  'my {relative} and i love your shop',
  'i have a quick question',
  'not sure if this is the right place',
  'i live in {city}',
]

export const CLOSING = [
  ...['thanks', 'thank you', 'please hurry', 'i need an answer today', 'cheers', 'what now'],
  ...['any help is welcome', 'thanks in advance', 'let me know', 'best regards', 'ok?'],
]
