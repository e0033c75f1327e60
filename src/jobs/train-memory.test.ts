import { expect, it } from 'vitest'
import { checkMemory } from './train-memory.ts'

const need = { trained: 1e6, frozen: 0, state: 24e6, activations: 50e6, total: 200e6 }

it('refuses what cannot fit, and says what it is made of', () => {
  expect(() => checkMemory(need, 200e6)).not.toThrow()
  expect(() => checkMemory(need, 199e6)).toThrow(
    'training needs about 200 MB (24.0 MB weights and moments, 50.0 MB activations), and there are 199 MB.',
  )
  expect(() => checkMemory({ ...need, total: 1e18 })).toThrow('training needs about')
})
