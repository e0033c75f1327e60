/**
 * The built JavaScript of a sibling module, for child processes: Node 20 cannot run TypeScript, and a
 * child must not depend on whatever loader its parent was started with.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { LimbeckError } from '../errors.ts'

/**
 * Path of `sibling` (such as './executor-child') beside the module at `from` (its `import.meta.url`);
 * under `src/` the same file of `dist/` is meant.
 * @throws LimbeckError `runtime` when it has not been built.
 */
export function builtEntry(from: string, sibling: string): string {
  const here = new URL(`${sibling}.js`, from)
  if (from.endsWith('.ts')) here.pathname = here.pathname.replace(/\/src\/(?!.*\/src\/)/, '/dist/')
  const path = fileURLToPath(here)
  if (!existsSync(path)) {
    throw new LimbeckError('runtime', `${path} is missing: it runs in a process of its own.`, {
      hint: from.endsWith('.ts') ? 'Run npm run build.' : 'Reinstall limbeck.',
    })
  }
  return path
}
