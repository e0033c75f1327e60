import { expect, test } from 'vitest'
import { shellCommand } from './shell-command.ts'

test('a command that a shell reads back as typed', () => {
  expect(shellCommand(['limbeck', 'run', './m', "it's", '', '$(x)', '1%'])).toBe(
    `limbeck run ./m 'it'\\''s' '' '$(x)' 1%`,
  )
})
