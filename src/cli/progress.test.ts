import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { showProgress } from './progress.ts'
import { fakeContext } from './testing/fake-context.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
})
afterEach(() => vi.useRealTimers())

/** A job of two steps, the first of which takes 21 seconds. */
function work(progress: ReturnType<typeof showProgress>): void {
  const step = progress.step('Measuring', 100)
  for (let at = 0; at <= 100; at += 50) {
    step.update(at, `1x128\u001b[2J`)
    vi.advanceTimersByTime(7000)
  }
  step.done('2 rows')
  const other = progress.step('Verifying')
  vi.advanceTimersByTime(400)
  other.fail('INT8 differs')
  progress.close()
}

test('plain lines where nobody watches', () => {
  const { stderr } = fakeContext()
  work(showProgress(stderr))
  expect(`\n${stderr.text}`).toMatchInlineSnapshot(`
    "
    Measuring ...
      Measuring  100 %  1x128�[2J  14 s, about 0 s left
    Measuring: 2 rows (21.0 s)
    Verifying ...
    failed: Verifying: INT8 differs (0.40 s)
    "
  `)
})

test('a step that goes on tells the time left from what it has done itself', () => {
  const { stderr } = fakeContext()
  const progress = showProgress(stderr)
  const step = progress.step('Training', 100, 60)
  vi.advanceTimersByTime(20_000)
  step.update(70)
  step.done()
  progress.close()
  expect(stderr.text).toContain('Training  70 %  20 s, about 1 min 00 s left')
})

test('nothing where nobody watches and a document is asked for', () => {
  const { stderr } = fakeContext()
  work(showProgress(stderr, { quiet: true }))
  expect(stderr.text).toBe('')
})

test('in a terminal: one line that renews itself, and those that ended above it', () => {
  const { stderr } = fakeContext({ isTTY: true })
  work(showProgress(stderr, { quiet: true }))
  const screens = stderr.text.split('\r\u001b[2K')
  expect(screens.find((screen) => screen.includes('8 s'))?.slice(2)).toBe(
    'Measuring  50 %  1x128�[2J  8 s, about 8 s left',
  )
  expect(screens.filter((screen) => screen.endsWith('\n'))).toEqual([
    '✔ Measuring: 2 rows (21.0 s)\n',
    '✘ Verifying: INT8 differs (0.40 s)\n',
  ])
  expect(screens.at(-1)).toBe('')
  expect(vi.getTimerCount()).toBe(0)
})
