import { expect, test } from 'vitest'
import { reportHtml } from './html.ts'
import { html } from './html-template.ts'
import { fullReport, sampleDetails } from './testing/sample-details.ts'
import { sampleReport, unlabelledReport } from './testing/sample-report.ts'

const hostile = `</style></svg><script>alert('1')</script><img src=x onerror="alert(2)">`

test('nothing from outside becomes markup', async () => {
  const page = await reportHtml({
    ...sampleReport,
    title: hostile,
    command: hostile,
    chosen: hostile,
    chosenWhy: hostile,
    notes: [hostile],
    model: { ...sampleReport.model, name: hostile, labels: [hostile] },
    data: { ...sampleReport.data, file: hostile },
    files: [{ role: hostile, path: hostile }],
    variants: sampleReport.variants.map((variant, i) => ({
      ...variant,
      name: `${hostile}${i === 3 ? '' : i}`,
      file: `"onmouseover="alert(3)/${hostile}`,
      passes: variant.passes.map((record) => ({
        ...record,
        pass: hostile,
        hits: { [hostile]: 1 },
      })),
    })),
  })
  expect(page).not.toMatch(/<script|<img|<iframe/i)
  const unquoted = page.replace(/"[^"]*"/g, '""')
  expect(unquoted.match(/<[^>]* on\w+=/gi)).toBeNull()
  expect(page.match(/<\/style>/g)).toHaveLength(1)
  expect(page.match(/<svg /g)).toHaveLength(page.match(/<\/svg>/g)!.length)
})

test('names from files are text in every section and picture', async () => {
  const named = <T extends { readonly name: string }>(all: readonly T[]) =>
    all.map((one) => ({ ...one, name: `${hostile}${one.name}` }))
  const { threads, lengths, operators, layers, running } = sampleDetails
  const page = await reportHtml({
    ...sampleReport,
    variants: named(sampleReport.variants),
    chosen: `${hostile}INT8`,
    details: {
      ...sampleDetails,
      command: hostile,
      threads: { variants: named(threads!.variants) },
      lengths: { variants: named(lengths!.variants) },
      operators: {
        ...operators!,
        variants: named(operators!.variants).map((one) => ({
          ...one,
          operators: named(one.operators),
        })),
      },
      layers: {
        variants: named(layers!.variants).map((one) => ({ ...one, layers: named(one.layers) })),
      },
      running: { ...running!, currency: hostile, variants: named(running!.variants) },
    },
  })
  expect(page).not.toMatch(/<script|<img|<iframe/i)
  expect(page.replace(/"[^"]*"/g, '""').match(/<[^>]* on\w+=/gi)).toBeNull()
  expect(page.match(/<\/style>/g)).toHaveLength(1)
  expect(page.match(/<svg /g)).toHaveLength(page.match(/<\/svg>/g)!.length)
})

test('the full page is small, loads nothing, and every id in it is one of a kind', async () => {
  const page = await reportHtml(fullReport)
  expect(page.length).toBeLessThan(500_000)
  expect(page.replaceAll('http://www.w3.org/', '')).not.toMatch(
    /https?:\/\/|url\(|@import|<link|\bsrc=/,
  )
  const ids = [...page.matchAll(/\bid="([^"]*)"/g)].map(([, id]) => id!)
  expect(new Set(ids).size).toBe(ids.length)
  for (const [, named] of page.matchAll(/aria-labelledby="([^"]*)"/g)) {
    for (const id of named!.split(' ')) expect(ids).toContain(id)
  }
  // three widths of six pictures
  expect(page.match(/role="img"/g)).toHaveLength(18)
  expect(page).not.toMatch(/NaN|undefined|Infinity/)
})

test('the verdict is a shape, and the front is drawn', async () => {
  const page = await reportHtml(sampleReport)
  for (const words of ['chosen, proven', 'other variant, undecided', 'Pareto front']) {
    expect(page).toContain(`${words}</li>`)
  }
  expect(page).toContain('On the Pareto front: INT8, fp32 optimized.')
  expect(page).toMatch(/<polyline points|<path d="M[^"]*" fill="none" stroke="var\(--chosen\)"/)
})

test('the page loads nothing, runs nothing, and says so to the browser', async () => {
  const page = await reportHtml(sampleReport)
  expect(page).toContain(
    `content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; img-src data:"`,
  )
  expect(page.replaceAll('http://www.w3.org/', '')).not.toMatch(/https?:\/\/|url\(|@import|<link/)
})

test('the chart names itself, shows every variant and takes the colours of the page', async () => {
  const page = await reportHtml(sampleReport)
  const [svg] = /<svg [^>]*role="img"[\s\S]*?<\/svg>/.exec(page)!
  expect(svg).toContain('role="img" aria-labelledby="chart-0-title chart-0-desc"')
  expect(svg).toContain('Latency against accuracy of 4 variants')
  for (const { name } of sampleReport.variants)
    expect(svg).toContain(`>${name}<`.replace('>INT8<', '>✔ INT8<'))
  expect(svg).not.toMatch(/(?:fill|stroke)="#/)
  expect(svg).toContain('largest allowed drop')
})

test('without labels the chart shows the agreement; without measurements there is none', async () => {
  expect(await reportHtml(unlabelledReport)).toContain('same answer as the source')
  const variants = sampleReport.variants.map((variant) => ({ ...variant, latency: [] }))
  expect(await reportHtml({ ...sampleReport, variants })).not.toContain('<svg')
})

test('the template escapes what is put in, and leaves markup of its own', () => {
  const inner = html`<b>${'<&>'}</b>`
  expect(
    html`<p title="${'a"b'}">${inner}${undefined}${false}${[html`<i>1</i>`, 2]}</p>`.markup,
  ).toBe('<p title="a&quot;b"><b>&lt;&amp;&gt;</b><i>1</i>2</p>')
})
