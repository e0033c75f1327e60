/**
 * Text in a terminal: how many columns it takes, how it is cut, and what must never reach it.
 *
 * Labels and names come from files of others: a control character in them could move the cursor or
 * rewrite what was printed, so they are replaced.
 */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

// what takes no column: controls, marks, joiners, variation selectors
const zeroWidth = /^[\p{Control}\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u
// East Asian wide and fullwidth blocks (Unicode 15, EastAsianWidth.txt), and emoji shown as pictures
const wide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Emoji}\ufe0f)/u

/** Columns that a text takes in a terminal. */
export function displayWidth(text: string): number {
  // most text: printable ASCII, one column each
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment)
  return width
}

const graphemeWidth = (grapheme: string): number =>
  zeroWidth.test(grapheme) ? 0 : wide.test(grapheme) ? 2 : 1

/** The text with its end replaced by an ellipsis where it takes more than `width` columns. */
export function clipText(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let [kept, used] = ['', 0]
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment)
    if (used > width - 1) break
    kept += segment
  }
  return `${kept.trimEnd()}…`
}

/** The text on one line, without anything a terminal would act upon. */
export const printable = (text: string): string =>
  text
    .replace(/[\t\r\n\v\f\u0085\u2028\u2029]+/g, ' ')
    // the second class turns the direction of text around
    .replace(/[\p{Control}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')

/** Lines of at most `width` columns, broken at spaces. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && displayWidth(longer) > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}
