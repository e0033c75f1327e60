// How customers type: contractions, chat spelling, slips of the finger, casing and punctuation.
// Slips only touch words of five letters or more, so "not", "do" and other short words that decide
// the label are never lost: noise makes an utterance harder to read, it never changes its intent.

import type { Random } from './random.ts'

const CONTRACTIONS: readonly [RegExp, string][] = [
  [/\bi am\b/g, "i'm"],
  [/\bi have\b/g, "i've"],
  [/\bi would\b/g, "i'd"],
  [/\bdo not\b/g, "don't"],
  [/\bdoes not\b/g, "doesn't"],
  [/\bdid not\b/g, "didn't"],
  [/\bcannot\b/g, "can't"],
  [/\bis not\b/g, "isn't"],
  [/\bit is\b/g, "it's"],
]

const CHAT: readonly [RegExp, string][] = [
  [/\bplease\b/g, 'pls'],
  [/\bthanks\b/g, 'thx'],
  [/\byour\b/g, 'ur'],
  [/\byou\b/g, 'u'],
  [/\bbecause\b/g, 'cuz'],
  [/\band\b/g, '&'],
  [/\bto\b/g, '2'],
]

const ROWS = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm']

/** One typing error: two letters swapped, one lost, one doubled, or the key next to it. */
function slip(word: string, from: Random): string {
  const at = 1 + from.below(word.length - 2)
  const [head, letter, tail] = [word.slice(0, at), word[at]!, word.slice(at + 1)]
  switch (from.below(4)) {
    case 0:
      return head + tail[0] + letter + tail.slice(1)
    case 1:
      return head + tail
    case 2:
      return head + letter + letter + tail
    default: {
      const row = ROWS.find((keys) => keys.includes(letter))!
      const key = row.indexOf(letter)
      return head + (row[key + 1] ?? row[key - 1]) + tail
    }
  }
}

function typos(text: string, count: number, from: Random): string {
  const words = text.split(' ')
  const long = words.flatMap((word, i) => (/^[a-z]{5,}$/.test(word) ? [i] : []))
  for (const i of from.shuffle(long).slice(0, count)) words[i] = slip(words[i]!, from)
  return words.join(' ')
}

function casing(text: string, from: Random): string {
  const style = from.below(20)
  if (style === 0) return text.toUpperCase()
  if (style < 8) return text
  const sentences = text.replace(/(^|[.?!] )([a-z])/g, (letter) => letter.toUpperCase())
  return sentences.replace(/\bi\b/g, 'I')
}

/** Types a clean utterance the way a customer in a hurry would. */
export function noisy(clean: string, from: Random): string {
  let text = clean
  const contract = from.chance(60)
  for (const [full, short] of CONTRACTIONS) if (contract) text = text.replace(full, short)
  const chat = from.chance(15)
  for (const [full, short] of CHAT) if (chat && from.chance(70)) text = text.replace(full, short)
  if (from.chance(45)) text = typos(text, 1 + from.below(2), from)
  if (from.chance(20)) text = text.replaceAll("'", '')
  text += from.pick(['', '', '', '.', '.', '!', '?', ' ...', '!!'])
  return casing(text.replace(/([.?!])[.!?]+$/, '$1'), from)
}
