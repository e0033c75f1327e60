/** Running graphs on ONNX Runtime: engines in this process, and what the machine offers. */
export type { Engine, Feeds, Port, RunOptions, TimedEngine } from './engine.ts'
export { type Hardware, hardware } from './hardware.ts'
export { type Int8Kernel, int8Kernel } from './int8-kernel.ts'
export { openInline } from './open-inline.ts'
export { ortVersion } from './ort.ts'
export type { Optimization, SessionOptions, Spinning } from './session-options.ts'
