/** What the Hub's refusals mean, and what to do: its status and error code as one sentence. */
import { LimbeckError } from '../errors.ts'
import type { HubEnvironment } from './hub-environment.ts'

/** What was asked, and what came back. */
export interface Refused {
  readonly id: string
  readonly revision: string
  readonly status: number
  /** The Hub's `x-error-code`. */
  readonly code: string | null
  readonly environment: HubEnvironment
}

interface Meaning {
  readonly when: (refused: Refused & { readonly hasToken: boolean }) => boolean
  readonly sentence: (refused: Refused, host: string) => string
  readonly hint: (refused: Refused, host: string) => string
}

const logIn = 'set HF_TOKEN to a token that may read it'

/** The first that fits holds. */
const meanings: readonly Meaning[] = [
  {
    when: ({ code, hasToken }) => code === 'GatedRepo' && !hasToken,
    sentence: (_, host) =>
      `the model is gated: ${host} gives it only to users who were granted it.`,
    hint: ({ id, environment }) =>
      `Ask for access at ${environment.endpoint}/${id}, then ${logIn}.`,
  },
  {
    when: ({ code, status }) => code === 'GatedRepo' || status === 403,
    sentence: (_, host) => `${host} does not let this token read the model.`,
    hint: ({ id, environment }) =>
      `Ask for access at ${environment.endpoint}/${id}, and check the permissions of the token.`,
  },
  {
    when: ({ code }) => code === 'RevisionNotFound',
    sentence: ({ revision }) => `there is no revision ${revision}.`,
    hint: ({ id, environment }) =>
      `Give a branch, tag or commit of ${environment.endpoint}/${id}; the usual branch is main.`,
  },
  {
    when: ({ code }) => code === 'EntryNotFound',
    sentence: ({ revision }) => `a file that was listed is not there at ${revision}.`,
    hint: () => 'Run it again; the repository may be changing.',
  },
  {
    when: ({ status, hasToken, code }) => status === 401 && hasToken && code !== 'RepoNotFound',
    sentence: (_, host) => `${host} does not accept the token.`,
    hint: () => 'Renew HF_TOKEN (or the token file), or unset it for a public model.',
  },
  {
    when: ({ status, hasToken }) => (status === 401 || status === 404) && hasToken,
    sentence: (_, host) =>
      `there is no such folder here, and ${host} shows this token no such model.`,
    hint: () => 'Check the spelling, and that the token may read the model.',
  },
  {
    when: ({ status }) => status === 401 || status === 404,
    sentence: (_, host) =>
      `there is no such folder here, and ${host} has no public model of that id.`,
    hint: () => `Check the spelling; for a private model, ${logIn}.`,
  },
]

/** An answer that is no success, as an error. */
export function refusal(refused: Refused): LimbeckError {
  const { id, status, environment } = refused
  const host = new URL(environment.endpoint).host
  const facts = { ...refused, hasToken: environment.token() !== undefined }
  const meaning = meanings.find(({ when }) => when(facts))
  return new LimbeckError(
    'network',
    `${id}: ${meaning?.sentence(refused, host) ?? `${host} answers ${status}, expected 200.`}`,
    { hint: meaning?.hint(refused, host) ?? 'Check HF_ENDPOINT; run it again later.' },
  )
}
