/** `sensitivity` as a page of its own, in the style of the report. */
import { detailSectionHtml } from './html.ts'
import { htmlPage } from './html-page.ts'
import { html } from './html-template.ts'
import type { SensitivityReport } from './sensitivity.ts'
import { sensitivitySection } from './sensitivity-section.ts'

export interface SensitivityPage {
  /** What was measured, as the user named it. */
  readonly model: string
  /** The data file, as the user named it. */
  readonly data?: string | undefined
  readonly createdAt: string
  readonly limbeck: string
  readonly command?: string | undefined
}

/** The page, complete. */
export function sensitivityPage(found: SensitivityReport, facts: SensitivityPage): string {
  const { model, data, createdAt, limbeck, command } = facts
  const day = createdAt.slice(0, 16).replace('T', ' ')
  const title = `${model}: sensitivity to ${found.scheme}`
  const body = html`<header><div class="kicker">Limbeck sensitivity</div><h1>${title}</h1><p class="muted">${data ? `Measured on ${data}. ` : ''}<time datetime="${createdAt}">${day} UTC</time>.</p></header>
${detailSectionHtml(sensitivitySection(found), new Map())}
${command && html`<section><h2>Reproduce</h2><pre>${command}</pre></section>`}`
  return htmlPage(title, limbeck, body)
}
