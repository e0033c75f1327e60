/** The Pareto front: what nothing else beats in both latency and quality. */

export interface FrontPoint {
  /** Less is better. */
  readonly x: number
  readonly y: number
}

/** The points of the front, from the quickest on. */
export function paretoFront<P extends FrontPoint>(
  points: readonly P[],
  better: 'higher' | 'lower',
): P[] {
  const gain = ({ y }: P): number => (better === 'higher' ? y : -y)
  const front: P[] = []
  for (const point of points.toSorted((a, b) => a.x - b.x || gain(b) - gain(a))) {
    const last = front.at(-1)
    if (!last || gain(point) > gain(last)) front.push(point)
  }
  return front
}
