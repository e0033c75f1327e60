/**
 * What the environment says of the Hugging Face Hub: where it is, where its cache lies, who asks.
 *
 * Names, defaults and precedence are those of Python's `huggingface_hub`, so that both share one set-up.
 */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { fileError } from './node-files.ts'

export interface HubEnvironment {
  /** Address of the Hub, without a slash at its end. */
  readonly endpoint: string
  /** Absolute path of the cache. */
  readonly cacheFolder: string
  /** No request may be sent. */
  readonly offline: boolean
  /** The user's token; read only when it is asked for. */
  readonly token: () => string | undefined
}

type Variables = Readonly<Record<string, string | undefined>>

const DEFAULT_ENDPOINT = 'https://huggingface.co'

/** Reads the environment. @throws LimbeckError `usage` for an endpoint that is no address. */
export function hubEnvironment(variables: Variables = process.env): HubEnvironment {
  const folder = (name: string): string | undefined => {
    const value = variables[name]?.trim()
    return value ? resolve(value.replace(/^~(?=$|[\\/])/, homedir())) : undefined
  }
  const home =
    folder('HF_HOME') ?? join(folder('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface')
  return {
    endpoint: checkedEndpoint(variables.HF_ENDPOINT?.trim() || DEFAULT_ENDPOINT),
    cacheFolder: folder('HF_HUB_CACHE') ?? folder('HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub'),
    offline: isTrue(variables.HF_HUB_OFFLINE) || isTrue(variables.TRANSFORMERS_OFFLINE),
    token: () =>
      checkedToken('HF_TOKEN', variables.HF_TOKEN) ??
      tokenOfFile(folder('HF_TOKEN_PATH') ?? join(home, 'token')),
  }
}

const isTrue = (value: string | undefined): boolean => /^(?:1|on|yes|true)$/i.test(value ?? '')

function checkedEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash) {
    return text.replace(/\/+$/, '')
  }
  throw new LimbeckError('usage', `HF_ENDPOINT: expected an address (https://…), got ${text}.`, {
    hint: 'Unset it to use huggingface.co.',
  })
}

function tokenOfFile(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  try {
    return checkedToken(file, readFileSync(file, 'utf8'))
  } catch (cause) {
    throw fileError(file, cause)
  }
}

/** A token goes into a header: what cannot is refused here, without being printed. */
function checkedToken(where: string, text: string | undefined): string | undefined {
  const token = text?.trim()
  if (!token) return undefined
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token
  throw new LimbeckError('usage', `${where}: it holds characters that no token has.`, {
    hint: 'Copy the token again, from the settings of your account.',
  })
}
