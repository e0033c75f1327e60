import { expect, it } from 'vitest'
import { checkSessionOptions, toOrtOptions } from './session-options.ts'

const machine = { arch: 'x64', cores: 2 }

it('takes all cores, one operator at a time, without the optimizers that hurt', () => {
  expect(toOrtOptions({}, machine)).toEqual({
    executionProviders: ['cpu'],
    intraOpNumThreads: 2,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
    extra: {
      'session.force_spinning_stop': '1',
      'optimization.disable_specified_optimizers': 'SkipLayerNormFusion;BiasSkipLayerNormFusion',
    },
  })
})

it('leaves the optimizers alone when told to, and on CPUs where none is known to hurt', () => {
  const extra = { 'session.force_spinning_stop': '1' }
  expect(toOrtOptions({ optimization: 'default' }, machine).extra).toEqual(extra)
  expect(toOrtOptions({}, { arch: 'arm64', cores: 4 }).extra).toEqual(extra)
  expect(toOrtOptions({ optimization: 'disabled' }, machine).graphOptimizationLevel).toBe(
    'disabled',
  )
})

it('keeps no plan of memory for each shape where shapes vary', () => {
  expect(toOrtOptions({ manyShapes: true }, machine).enableMemPattern).toBe(false)
  expect(toOrtOptions({ manyShapes: false }, machine)).toEqual(toOrtOptions({}, machine))
})

it('gives raw configuration the last word', () => {
  const config = { 'session.force_spinning_stop': '0', 'session.disable_prepacking': '1' }
  expect(toOrtOptions({ optimization: 'basic', config }, machine).extra).toEqual(config)
  expect(toOrtOptions({ optimization: 'basic', spinning: 'always' }, machine).extra).toEqual({})
})

it('refuses what it does not know', () => {
  const check = (options: object) => () => checkSessionOptions(options)
  expect(check({ threads: undefined })).not.toThrow()
  expect(check({ spin: 'always' })).toThrow("Session option 'spin' is not known.")
  expect(check({ threads: 1.5 })).toThrow('expected a whole number from 1, got 1.5.')
  expect(check({ manyShapes: 'yes' })).toThrow('expected true or false, got yes.')
  expect(check({ optimization: 'all' })).toThrow(
    "Session option 'optimization': expected one of limbeck, default, basic, disabled, got all.",
  )
})
