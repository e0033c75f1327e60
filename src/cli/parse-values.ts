/** Texts of the command line as values; what does not fit is refused by commander with these words. */
import { InvalidArgumentError } from 'commander'

/** A whole number from 1. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number, at least 1.')
}

/** A seed: a whole number from 0. */
export function seedNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number, at least 0.')
}

/** Such as `1,2,4`. */
export const wholeNumbers = (text: string): number[] =>
  text.split(',').map((t) => wholeNumber(t.trim()))

/** Any number. */
export function anyNumber(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new InvalidArgumentError('Expected a number.')
}

/** A positive number. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value
  throw new InvalidArgumentError('Expected a number above 0.')
}

/** A number that is not negative. */
export function numberFromZero(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value
  throw new InvalidArgumentError('Expected a number, at least 0.')
}

/** Such as `1x16,1x128`, as text: who measures reads it. */
export function shapesText(text: string): string {
  if (/^\s*[1-9]\d*[x×][1-9]\d*\s*(,\s*[1-9]\d*[x×][1-9]\d*\s*)*$/.test(text)) return text
  throw new InvalidArgumentError('Expected texts x tokens, such as 1x16,8x128.')
}

/** Such as `8x128`. */
export function shapeText(text: string): string {
  if (/^\s*[1-9]\d*[x×][1-9]\d*\s*$/.test(text)) return text
  throw new InvalidArgumentError('Expected texts x tokens, such as 8x128.')
}

/** An option given more than once, or once with commas. */
export const textList = (text: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  ...text.split(',').map((part) => part.trim()),
]

/** An option given more than once, whose texts may hold commas. */
export const textEach = (text: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  text.trim(),
]

/** Such as `past_length=16`, given more than once or with commas. */
export const namedNumbers = (
  text: string,
  earlier: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> => ({
  ...earlier,
  ...Object.fromEntries(
    text.split(',').map((part) => {
      const [, name, size] = /^\s*(.+?)\s*=\s*([1-9]\d{0,8})\s*$/.exec(part) ?? []
      if (name !== undefined) return [name, Number(size)]
      throw new InvalidArgumentError('Expected a name and a size, such as past_length=16.')
    }),
  ),
})

/** One of the words that an option takes. */
export const oneOf =
  <T extends string | number>(...words: readonly T[]) =>
  (text: string): T => {
    const word = words.find((candidate) => String(candidate) === text)
    if (word !== undefined) return word
    throw new InvalidArgumentError(`Allowed choices are ${words.join(', ')}.`)
  }
