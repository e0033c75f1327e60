// Slot values: the names of things (items, cities, amounts) and small sets of synonyms.
// A slot keeps its value within one utterance, so "the {item}" stays the same item throughout;
// `{item2}` is another value of the same list, never the first one.

import type { Random } from '../random.ts'

const SLOTS: Record<string, readonly string[]> = {
  order: ['my order', 'order {num}', 'my parcel', 'my package', 'my delivery', 'the {item}'],
  item: [
    ...['kettle', 'toaster', 'lamp', 'backpack', 'jacket', 'sweater', 'blender', 'keyboard'],
    ...['headset', 'desk chair', 'rug', 'tent', 'watch', 'coffee grinder', 'vacuum cleaner'],
    ...['phone case', 'helmet', 'raincoat', 'monitor', 'printer', 'guitar', 'drill', 'mattress'],
  ],
  part: ['screws', 'cables', 'batteries', 'instructions', 'spare parts'],
  when: ['yesterday', 'on monday', 'last week', '{n} days ago', 'in {month}', 'two weeks ago'],
  due: ['yesterday', 'on friday', 'last week', '{n} days ago', 'on tuesday'],
  days: ['{n} days', 'a week', 'two weeks', 'ten days'],
  months: ['{n} months', 'half a year', 'a year', 'eight weeks'],
  month: ['january', 'march', 'may', 'july', 'october', 'december'],
  city: ['leeds', 'bristol', 'york', 'cardiff', 'glasgow', 'dublin', 'oxford', 'bath'],
  place: ['office', 'new flat', 'neighbour', 'parents', 'work place', 'holiday home'],
  size: ['small', 'medium', 'large', 'size 38', 'size 42'],
  color: ['black', 'blue', 'green', 'grey', 'red', 'white'],
  broken: ['broken', 'cracked', 'smashed', 'damaged', 'bent', 'dented'],
  late: ['late', 'overdue', 'delayed', 'days late', 'behind schedule'],
  cancel: ['cancel', 'call off', 'scrap', 'cancel', 'terminate'],
  delete: ['delete', 'erase', 'remove', 'wipe'],
  deleted: ['deleted', 'erased', 'removed', 'wiped'],
  swap: ['swap', 'exchange', 'trade', 'switch', 'change'],
  refund: ['refund', 'reimbursement', 'money', 'repayment'],
  warranty: ['warranty', 'guarantee'],
  bill: ['an invoice', 'a receipt', 'the invoice', 'the receipt', 'a bill', 'a copy of the bill'],
  coupon: ['discount code', 'promo code', 'voucher', 'coupon'],
  failed: ['failed', 'did not go through', 'was not accepted', 'crashed'],
  declined: ['declined', 'refused', 'rejected', 'not accepted'],
  twice: ['twice', 'two times', 'double'],
  pay: ['my card', 'my credit card', 'paypal', 'apple pay', 'my debit card'],
  plan: [
    ...['premium membership', 'monthly plan', 'coffee subscription', 'yearly subscription'],
    ...['plus membership', 'club membership', 'tea subscription'],
  ],
  person: ['a human', 'a real person', 'an agent', 'someone from your team', 'a member of staff'],
  detail: ['email', 'phone number', 'name', 'surname', 'date of birth', 'mobile number'],
  pct: ['10 %', '15 %', '20 percent', '5 percent'],
  relative: ['sister', 'husband', 'wife', 'mother', 'boss', 'friend'],
}

const DRAWN: Record<string, (from: Random) => string> = {
  n: (from) => String(3 + from.below(7)),
  num: (from) => `${from.pick(['#', '#', 'no ', 'number '])}${10000 + from.below(90000)}`,
  amount: (from) => `${5 + from.below(190)}${from.pick(['.99', '.50', ''])} euros`,
  mail: (from) => `${from.pick(['sam', 'kim', 'lee', 'jo'])}${from.below(100)}@mail.example`,
}

/** Fills every `{slot}`; `bound` remembers the values across the parts of one utterance. */
export function fill(template: string, bound: Map<string, string>, from: Random): string {
  return template.replace(/\{(\w+?)(2?)\}/g, (_, name: string, second: string) => {
    const held = bound.get(name + second)
    if (held !== undefined) return held
    const other = second ? bound.get(name) : bound.get(`${name}2`)
    const value = fill(draw(name, other, from), bound, from)
    bound.set(name + second, value)
    return value
  })
}

function draw(name: string, other: string | undefined, from: Random): string {
  const drawn = DRAWN[name]
  if (drawn) return drawn(from)
  const values = SLOTS[name]
  if (!values) throw new Error(`no slot is called {${name}}`)
  return from.pick(values.filter((value) => value !== other))
}
