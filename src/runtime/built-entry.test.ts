import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { builtEntry } from './built-entry.ts'

it('says how to get an entry that has not been built', () => {
  const from = pathToFileURL('/home/me/src/limbeck/src/jobs/start.ts').href
  expect(() => builtEntry(from, './child')).toThrow(
    expect.objectContaining({
      code: 'runtime',
      message:
        '/home/me/src/limbeck/dist/jobs/child.js is missing: it runs in a process of its own.',
      hint: 'Run npm run build.',
    }),
  )
  const installed = pathToFileURL('/app/src/node_modules/limbeck/dist/jobs/start.js').href
  expect(() => builtEntry(installed, './child')).toThrow(
    expect.objectContaining({ hint: 'Reinstall limbeck.' }),
  )
})
