/**
 * HTML by tagged template: everything put into it is escaped unless it is HTML already. Labels, paths
 * and notes come from files of others; none of them can become markup.
 */
import { printable } from './plain-text.ts'

/** Markup that is safe as it stands. */
export class Html {
  readonly markup: string
  constructor(markup: string) {
    this.markup = markup
  }
}

export type HtmlPart = string | number | Html | undefined | false | readonly HtmlPart[]

/** `html\`<p>${text}</p>\``: text is escaped, `Html` and lists of it go in, nothing where undefined. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  const markup = strings.map((text, i) => text + (i < parts.length ? render(parts[i]) : ''))
  return new Html(markup.join(''))
}

function render(part: HtmlPart): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.markup
  if (typeof part === 'object') return part.map(render).join('')
  return escapeHtml(String(part))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** The same text with numbers kept beside their units where lines break. */
export const keepUnits = (text: string): string =>
  text.replace(/(\d) (?=(?:bytes|KB|MB|GB|ms|s|min|%|pt)(?![\p{L}\d]))/gu, '$1\u00a0')

/** Text for an element or a quoted attribute. */
export const escapeHtml = (text: string): string =>
  printable(text).replace(/[&<>"']/g, (character) => entities[character]!)
