/**
 * Progress on stderr: a line that renews itself in a terminal, plain lines elsewhere.
 *
 * Titles and notes may hold names from files, so they are made printable.
 */
import { clipText, printable } from '../report/plain-text.ts'
import type { Progress, Step } from '../report/progress.ts'
import { paint } from '../report/table.ts'
import { formatSeconds } from '../report/units.ts'

/** Where progress is written. */
export interface ProgressSink {
  write(text: string): void
  readonly isTTY: boolean
  readonly columns: number
  readonly color: boolean
}

/** A progress that ends: after `close` nothing of it is left on the current line. */
export interface ShownProgress extends Progress {
  close(): void
}

interface Going {
  readonly title: string
  readonly total: number | undefined
  readonly begun: number
  readonly start: number
  done: number
  note: string
  /** When a plain line was last written of it. */
  told: number
}

/** Progress as fits the sink; `quiet` says nothing where nobody watches. */
export function showProgress(sink: ProgressSink, options: { quiet?: boolean } = {}): ShownProgress {
  const going = new Set<Going>()
  const display = sink.isTTY ? liveDisplay(sink, going) : plainDisplay(sink, options.quiet ?? false)
  return {
    close: display.close,
    step(title, total, begun = 0): Step {
      const now = performance.now()
      const step: Going = { title, total, begun, start: now, done: begun, note: '', told: now }
      going.add(step)
      display.begin(step)
      const end = (mark: '✔' | '✘', note = ''): void => {
        if (!going.delete(step)) return
        display.end(step, mark, note)
      }
      return {
        update(done, note) {
          step.done = done
          step.note = note ?? step.note
          display.update(step)
        },
        done: (note) => end('✔', note),
        fail: (note) => end('✘', note),
      }
    },
  }
}

interface Display {
  begin(step: Going): void
  update(step: Going): void
  end(step: Going, mark: '✔' | '✘', note: string): void
  close(): void
}

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const clear = '\r\u001b[2K'

/** One line, of the step that began last; steps that end stay above it. */
function liveDisplay(sink: ProgressSink, going: ReadonlySet<Going>): Display {
  let timer: NodeJS.Timeout | undefined
  const draw = (): void => {
    const step = [...going].at(-1)
    if (!step) return
    const frame = frames[Math.floor(performance.now() / 100) % frames.length]
    const line = clipText(`${frame} ${liveText(step, performance.now())}`, sink.columns - 1)
    sink.write(clear + (sink.color ? paint(line, 'weak') : line))
  }
  const close = (): void => {
    if (!timer) return
    clearInterval(timer)
    timer = undefined
    sink.write(clear)
  }
  return {
    begin() {
      draw()
      timer ??= setInterval(draw, 100).unref()
    },
    // the timer draws
    update: () => {},
    end(step, mark, note) {
      const painted = sink.color ? paint(mark, mark === '✔' ? 'good' : 'bad') : mark
      sink.write(`${clear}${painted} ${clipText(endText(step, note), sink.columns - 3)}\n`)
      if (going.size > 0) draw()
      else close()
    },
    close,
  }
}

const tellEveryMs = 10_000

/** A line when a step begins and ends, and every ten seconds between. */
function plainDisplay(sink: ProgressSink, quiet: boolean): Display {
  const line = (text: string): void => {
    if (!quiet) sink.write(`${text}\n`)
  }
  return {
    begin: ({ title }) => line(`${printable(title)} ...`),
    update(step) {
      const now = performance.now()
      if (now - step.told < tellEveryMs) return
      step.told = now
      line(`  ${liveText(step, now)}`)
    },
    end: (step, mark, note) => line(`${mark === '✔' ? '' : 'failed: '}${endText(step, note)}`),
    close: () => {},
  }
}

/** `Measuring latency  42 %  1x128, 1 thread  12 s, about 17 s left`. */
function liveText({ title, total, begun, start, done, note }: Going, now: number): string {
  const seconds = (now - start) / 1000
  const share = total === undefined || total === 0 ? undefined : Math.min(1, done / total)
  // what was done before this began says nothing of its speed
  const own = share && (done - begun) / (total! - begun)
  const left = own && own >= 0.05 && seconds > 2 ? (seconds / own) * (1 - own) : undefined
  const rest = left === undefined ? '' : `, about ${wholeSeconds(left)} left`
  const parts = [
    title,
    share === undefined ? '' : `${Math.floor(share * 100)} %`,
    note,
    seconds >= 1 ? `${wholeSeconds(seconds)}${rest}` : '',
  ]
  return printable(parts.filter(Boolean).join('  '))
}

const endText = ({ title, start }: Going, note: string): string =>
  printable(`${title}${note && `: ${note}`} (${formatSeconds((performance.now() - start) / 1000)})`)

const wholeSeconds = (seconds: number): string =>
  seconds < 59.5 ? `${Math.round(seconds)} s` : formatSeconds(seconds)
