import { expect, test } from 'vitest'
import { lastWords } from './last-words.ts'

const uncaught = `warming up
file:///app/child.mjs:3
  throw new RangeError('too few threads')
        ^

RangeError: too few threads
    at file:///app/child.mjs:3:9
    at ModuleJob.run (node:internal/modules/esm/module_job:325:25) {
  code: 'ERR_THREADS'
}

Node.js v20.20.0
`
const heap = `
<--- Last few GCs --->

[7:0x1] 105 ms: Mark-Compact (reduce) 10.1 (12.6) -> 10.0 (12.8) MB

<--- JS stacktrace --->

FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
----- Native stack trace -----

 1: 0xb8d0a3 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]
 2: 0xf06250 v8::Utils::ReportOOMFailure(v8::internal::Isolate*) [node]
`
const thrown = `terminate called after throwing an instance of 'std::bad_alloc'
  what():  std::bad_alloc
`

test.each([
  ['the error of Node, not its version', uncaught, 'RangeError: too few threads'],
  [
    'the fatal error of a full heap, not a frame',
    heap,
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
  ],
  ['what C++ threw', thrown, 'what():  std::bad_alloc'],
  ['what libc found', 'loading\nfree(): invalid pointer\n', 'free(): invalid pointer'],
  [
    'an assertion',
    "node: ../deps/uv/src/core.c:60: uv__io: Assertion `fd >= 0' failed.\nAborted\n",
    "node: ../deps/uv/src/core.c:60: uv__io: Assertion `fd >= 0' failed.",
  ],
  [
    'else the last line that says anything',
    'first\nno space left\n\n  at x\n---\n',
    'no space left',
  ],
  ['nothing', '\n  \n', undefined],
])('%s', (_, stderr, words) => {
  expect(lastWords(stderr)).toBe(words)
})

test('only reasons, where asked', () => {
  expect(lastWords('a warning of long ago', true)).toBeUndefined()
  expect(lastWords(heap, true)).toMatch(/^FATAL ERROR/)
})
