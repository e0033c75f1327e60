/**
 * Loads ONNX Runtime: the only import of `onnxruntime-node` in the package.
 *
 * The library reports to its maker from the moment it is loaded, unless the environment forbids it
 * before that; so the variable is set first, the import is lazy, and nothing else may import it. A
 * worker thread has only a copy of the environment, which native code never sees.
 */
import { isMainThread } from 'node:worker_threads'
import { LimbeckError } from '../errors.ts'

/** The module `onnxruntime-node`. */
export type Ort = typeof import('onnxruntime-node')

const telemetry = 'ORT_DISABLE_TELEMETRY'
let loading: Promise<Ort> | undefined

/**
 * ONNX Runtime, with its telemetry off and its log quiet; loaded once.
 * @throws LimbeckError `runtime` when the package is missing or has no library for this system.
 */
export function loadOrt(): Promise<Ort> {
  loading ??= load()
  return loading
}

async function load(): Promise<Ort> {
  if (!isMainThread && process.env[telemetry] !== '1') {
    throw new LimbeckError(
      'runtime',
      `ONNX Runtime was first asked for in a worker thread, where its telemetry cannot be switched off.`,
      {
        hint: `Start the process with ${telemetry}=1, or open one model in the main thread first.`,
      },
    )
  }
  process.env[telemetry] = '1'
  try {
    const ort = await import('onnxruntime-node')
    // what goes wrong is thrown; the same text on stderr would only be noise
    ort.env.logLevel = 'fatal'
    return ort
  } catch (error) {
    throw explainLoadFailure(error, `${process.platform} ${process.arch}`)
  }
}

/** Version of the loaded library, such as `1.30.0`. */
export async function ortVersion(): Promise<string> {
  const { env } = await loadOrt()
  return env.versions.node ?? env.versions.common
}

/** Why `onnxruntime-node` did not load on `system` (platform and architecture), in our words. */
export function explainLoadFailure(error: unknown, system: string): LimbeckError {
  const { code, message } = error as { code?: string; message?: string }
  const text = message ?? String(error)
  const fail = (problem: string, hint: string) =>
    new LimbeckError('runtime', `ONNX Runtime did not load: ${problem}`, { hint, cause: error })
  if (/onnxruntime_binding/.test(text) && /NOT_FOUND/.test(code ?? '')) {
    return fail(
      `onnxruntime-node has no library for ${system}.`,
      'It is built for Linux and Windows on x64 and arm64, and for macOS on arm64.',
    )
  }
  if (/NOT_FOUND/.test(code ?? '')) {
    return fail('the package onnxruntime-node is not installed.', 'Run npm install.')
  }
  if (/ld-linux|musl|GLIBC/i.test(text)) {
    return fail(
      `its library needs glibc, which this system lacks or has too old (${text}).`,
      'Use an image with glibc 2.28 or newer (Debian, Ubuntu, RHEL 8), not Alpine.',
    )
  }
  return fail(`${text} (${system}).`, 'Reinstall with npm ci.')
}
