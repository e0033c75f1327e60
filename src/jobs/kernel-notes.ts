/** What a user must know of the kernels of files, in sentences. */
import { type KernelReport, missedSentence, SATURATING_CPUS } from '../report/kernel-report.ts'
import { simulationSentence } from '../report/simulation.ts'
import { formatFour } from '../report/units.ts'
import { hardware } from '../runtime/hardware.ts'
import type { Verification } from './compare-outputs.ts'
import type { Simulated } from './simulate.ts'

/** A file and what became of its operators. */
interface CheckedFile {
  readonly name: string
  readonly kernels?: KernelReport | undefined
}

/** A sentence each; files of which the same is true share one. */
export function kernelNotes(files: readonly CheckedFile[]): string[] {
  const names = new Map<string, string[]>()
  for (const { name, kernels } of files) {
    for (const text of kernels ? sentencesOf(kernels) : []) {
      names.set(text, [...(names.get(text) ?? []), name])
    }
  }
  return [...names].map(([text, of]) => `${of.join(', ')}: ${text}.`)
}

function sentencesOf({ portability: { saturating, products }, missed }: KernelReport): string[] {
  const { kernel, saturates } = hardware().int8
  const some = `${saturating.length} of ${products} integer products`
  const risk = saturates
    ? `${some} can saturate on this CPU (${kernel}), which bends results; weights of 7 bits cannot (limbeck quantize --weight-bits 7)`
    : `exact on this CPU (${kernel}), but ${some} can saturate on ${SATURATING_CPUS}: --simulate avx2 tells what that loses, weights of 7 bits (limbeck quantize --weight-bits 7) lose nothing there`
  return [...(saturating.length > 0 ? [risk] : []), ...missed.map(missedSentence)]
}

/** What files give on a CPU that was simulated, beside what they give here. */
export const verificationNotes = (
  files: readonly (Pick<Verification, 'name' | 'cosine'> & {
    readonly simulated?: Simulated<Verification> | undefined
  })[],
): string[] =>
  files.flatMap(({ name, cosine, simulated }) => {
    if (!simulated) return []
    const { layers, result } = simulated
    const near =
      result && `mean cosine to the model ${formatFour(result.cosine)}, here ${formatFour(cosine)}`
    const figures = result?.ok === false ? `${near}: ${result.reason}` : near
    return [`${name}. ${simulationSentence(layers, figures)}`]
  })
