/** A process that runs training steps when told: a number of steps a line in, their times a line out. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface StepProcess {
  /** Runs this many steps; milliseconds of each. */
  run(steps: number): Promise<number[]>
  /** Most bytes held so far. */
  readonly peak: number
  end(): Promise<void>
}

/** Starts it, and waits until it is ready. @throws Error with what it said where it ends before. */
export async function openSteps(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StepProcess> {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let said = ''
  child.stderr.on('data', (part) => {
    said = `${said}${part}`.slice(-4000)
  })
  const ended = new Promise<void>((done) => void child.once('close', () => done()))
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await answers.next()
    if (done) throw new Error(`${command} ended:\n${said}`)
    return JSON.parse(value)
  }
  let peak = 0
  await next()
  return {
    async run(steps) {
      child.stdin.write(`${steps}\n`)
      const answer = await next()
      peak = Number(answer.peak)
      return answer.ms as number[]
    },
    get peak() {
      return peak
    },
    end() {
      child.stdin.end()
      return ended
    },
  }
}
