#!/usr/bin/env node
/** The command `limbeck`. */
import { runProcess } from './process-context.ts'

// before anything could load ONNX Runtime, in this process or in one it starts
process.env.ORT_DISABLE_TELEMETRY = '1'
await runProcess(process.argv.slice(2))
