/**
 * Work that is always asked for before the last is done: the worker, a process of its own, never waits for
 * what is prepared here.
 */

/**
 * What `run` gives for each item, in order; up to `most` runs are under way or asked for at once.
 * @throws what `items` or `run` throw; later runs are then let go unheard.
 */
export async function* inFlight<T, R>(
  items: AsyncIterable<T>,
  run: (item: T) => Promise<R>,
  most: number,
): AsyncGenerator<R> {
  const asked: Promise<R>[] = []
  for await (const item of items) {
    const running = run(item)
    // heard below, in its turn, or never when an earlier one fails
    running.catch(() => {})
    asked.push(running)
    if (asked.length >= most) yield await asked.shift()!
  }
  for (const running of asked) yield await running
}
