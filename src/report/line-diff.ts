/**
 * Two texts as a unified diff of lines, three lines of context around each change.
 *
 * The longest common subsequence by dynamic programming (Wagner and Fischer 1974) over what lies between the
 * common head and tail; texts that would need too large a table are shown as all out, all in.
 */

/** Cells of the table: four bytes each. */
const MOST_CELLS = 2.5e7
const CONTEXT = 3

/** A line that stayed, went or came. */
interface Edit {
  readonly mark: ' ' | '-' | '+'
  readonly text: string
}

/**
 * The diff; empty for equal texts.
 * @param keyOf what of a line is compared, such as the line without numbers that shift
 */
export function lineDiff(
  before: string,
  after: string,
  keyOf: (line: string) => string = (line) => line,
): string {
  const edits = editsBetween(before.split('\n'), after.split('\n'), keyOf)
  const shown = edits.map(() => false)
  edits.forEach(({ mark }, i) => {
    if (mark === ' ') return
    const last = Math.min(edits.length - 1, i + CONTEXT)
    for (let at = Math.max(0, i - CONTEXT); at <= last; at++) shown[at] = true
  })
  const lines: string[] = []
  let [old, fresh] = [1, 1]
  for (let at = 0; at < edits.length; ) {
    if (!shown[at]) {
      old++
      fresh++
      at++
      continue
    }
    let end = at
    while (end < edits.length && shown[end]) end++
    const hunk = edits.slice(at, end)
    const olds = hunk.filter(({ mark }) => mark !== '+').length
    const news = hunk.filter(({ mark }) => mark !== '-').length
    lines.push(`@@ -${old},${olds} +${fresh},${news} @@`)
    lines.push(...hunk.map(({ mark, text }) => mark + text))
    old += olds
    fresh += news
    at = end
  }
  return lines.join('\n')
}

function editsBetween(
  before: readonly string[],
  after: readonly string[],
  keyOf: (line: string) => string,
): Edit[] {
  const a = before.map(keyOf)
  const b = after.map(keyOf)
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  const most = Math.min(a.length, b.length) - head
  while (tail < most && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const [rows, columns] = [a.length - head - tail, b.length - head - tail]
  const kept = (text: string): Edit => ({ mark: ' ', text })
  const gone = (i: number): Edit => ({ mark: '-', text: before[head + i]! })
  const come = (j: number): Edit => ({ mark: '+', text: after[head + j]! })
  const middle: Edit[] = []
  let [i, j] = [0, 0]
  if (rows * columns <= MOST_CELLS) {
    const width = columns + 1
    // longest common part of what follows row i and column j
    const longest = new Uint32Array((rows + 1) * width)
    for (let r = rows - 1; r >= 0; r--) {
      for (let c = columns - 1; c >= 0; c--) {
        longest[r * width + c] =
          a[head + r] === b[head + c]
            ? longest[(r + 1) * width + c + 1]! + 1
            : Math.max(longest[(r + 1) * width + c]!, longest[r * width + c + 1]!)
      }
    }
    while (i < rows && j < columns) {
      if (a[head + i] === b[head + j]) {
        middle.push(kept(after[head + j]!))
        i++
        j++
      } else if (longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!) {
        middle.push(gone(i++))
      } else middle.push(come(j++))
    }
  }
  while (i < rows) middle.push(gone(i++))
  while (j < columns) middle.push(come(j++))
  return [
    ...after.slice(0, head).map(kept),
    ...middle,
    ...after.slice(after.length - tail).map(kept),
  ]
}
