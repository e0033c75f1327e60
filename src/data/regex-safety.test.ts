import { expect, it } from 'vitest'
import { isCatastrophic } from './regex-safety.ts'

// splitting rules of published tokenizers: GPT-2, cl100k, o200k in short, Llama 3, SentencePiece's spaces
it.each([
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?`,
  ' {2,}',
  String.raw`[\n\r]`,
  String.raw`\d{3}|(?:ab)+|\(a+\)+`,
])('%s is a splitting rule', (pattern) => {
  expect(isCatastrophic(pattern)).toBe(false)
})

it.each([
  '(a+)+$',
  '(x+x+)+y',
  '(?:a|a)*b',
  '(a*)*',
  '(?:a?){50}a',
  '((a+))+b',
  '(?:[a-z]+ ?){2,}$',
  '(?<n>a+)*',
  'a'.repeat(20_000),
])('%s may take for ever', (pattern) => {
  expect(isCatastrophic(pattern)).toBe(true)
})
