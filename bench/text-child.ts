/**
 * The child's side of a text race: makes an encoder (text in, vector out), then times it on request.
 *
 * All entrants time themselves with this loop, so what surrounds a run is the same for each.
 */

/** First message to a child. */
export interface TextSetup {
  /** Whatever the encoder needs to find its model. */
  readonly model: Readonly<Record<string, string>>
  readonly threads: number
  readonly texts: readonly string[]
}

/** First answer: the vector of every text. */
export interface TextReady {
  readonly vectors: readonly (readonly number[])[]
}

/** Later messages: how many texts, and the milliseconds that each took. */
export interface TextAsk {
  readonly runs: number
}
export interface TextTimes {
  readonly times: readonly number[]
}

/** Text in, vector out. */
export type TextEncoder = (text: string) => Promise<Float32Array>

/** Runs this process as an entrant. */
export function serveTexts(open: (setup: TextSetup) => Promise<TextEncoder>): void {
  let encode: TextEncoder | undefined
  let texts: readonly string[] = []
  let turn = 0
  process.on('message', async (message: TextSetup | TextAsk) => {
    if ('texts' in message) {
      texts = message.texts
      encode = await open(message)
      const vectors: number[][] = []
      for (const text of texts) vectors.push([...(await encode(text))])
      process.send!({ vectors } satisfies TextReady)
      return
    }
    const times: number[] = []
    for (let run = 0; run < message.runs; run++) {
      const text = texts[turn++ % texts.length]!
      const start = performance.now()
      await encode!(text)
      times.push(performance.now() - start)
    }
    process.send!({ times } satisfies TextTimes)
  })
  process.once('disconnect', () => process.exit(0))
}
