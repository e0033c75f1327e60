/**
 * Places labels beside the marks of a chart so that they do not overlap: for each label, the most
 * important first, the candidate place that covers least of what is already there.
 */

export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

export interface Mark {
  readonly x: number
  readonly y: number
  readonly radius: number
  /** Size of its label. */
  readonly width: number
  readonly height: number
  /** What belongs to the mark and should not be covered, such as its error bars. */
  readonly bars: readonly Box[]
}

// right, left, above, below, then the corners; the distance grows when all are taken
const directions = [
  [1, 0],
  [-1, 0],
  [0, -1],
  [0, 1],
  [1, -1],
  [1, 1],
  [-1, -1],
  [-1, 1],
] as const
const distances = [6, 18, 34, 54, 80]

/**
 * The box of each mark's label, in the order of the marks.
 * @param covered what else no label should stand on.
 */
export function placeLabels(
  marks: readonly Mark[],
  plot: Box,
  covered: readonly Box[] = [],
): Box[] {
  const circles = marks.map(markBox)
  const bars = marks.flatMap((mark) => mark.bars)
  const placed: Box[] = []
  for (const mark of marks) {
    let best: { box: Box; cost: number } | undefined
    for (const [rank, distance] of distances.entries()) {
      for (const direction of directions) {
        const box = candidate(mark, direction, distance)
        // over another label: unreadable; over the plot's edge: cut; over a bar: only ugly
        const cost =
          sum(placed, (other) => overlap(box, other)) * 20 +
          sum(covered, (other) => overlap(box, other)) * 10 +
          (area(box) - overlap(box, plot)) * 50 +
          sum(circles, (other) => overlap(box, other)) * 5 +
          sum(bars, (other) => overlap(box, other)) * 2 +
          rank * 20
        if (best === undefined || cost < best.cost) best = { box, cost }
      }
    }
    placed.push(best!.box)
  }
  return placed
}

function candidate(mark: Mark, [dx, dy]: readonly [number, number], distance: number): Box {
  const { x, y, width, height } = mark
  const diagonal = dx !== 0 && dy !== 0 ? Math.SQRT1_2 : 1
  const reach = (mark.radius + distance) * diagonal
  return {
    left: x + dx * reach + ((dx - 1) / 2) * width,
    top: y + dy * reach + ((dy - 1) / 2) * height,
    width,
    height,
  }
}

/** The mark and a little air. */
function markBox({ x, y, radius }: Mark): Box {
  const reach = radius + 4
  return { left: x - reach, top: y - reach, width: 2 * reach, height: 2 * reach }
}

const area = ({ width, height }: Box): number => width * height

/** Area that two boxes share. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left)
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top)
  return width > 0 && height > 0 ? width * height : 0
}

const sum = (boxes: readonly Box[], value: (box: Box) => number): number =>
  boxes.reduce((total, box) => total + value(box), 0)
