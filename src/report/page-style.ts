/** The style of the report's page: one column, light and dark, from 360 pixels up, and on paper. */

const light = `
  --page: #f5f6f8; --card: #ffffff; --ink: #17202b; --muted: #5b6776; --line: #e3e7ec;
  --chosen: #08775a; --variant: #2b66d1; --source: #66727f; --bad: #c13a34; --doubt: #8f5b00;
  --tint: #e9f5f0; --code: #f0f2f5; --shade: #17202b22;`

const dark = `
  --page: #0e1318; --card: #161c23; --ink: #e7ebf0; --muted: #9aa6b4; --line: #2a323b;
  --chosen: #42cfa1; --variant: #79adff; --source: #98a4b2; --bad: #ff8078; --doubt: #e4b54a;
  --tint: #12271f; --code: #1e262f; --shade: #00000088;`

export const pageStyle = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  -webkit-text-size-adjust: 100%; font-variant-numeric: tabular-nums;
}
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 64px; }
header { margin-bottom: 24px; }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; margin: 4px 0 6px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0 0 4px; }
p { margin: 0 0 8px; }
.kicker { color: var(--muted); font-size: 0.8rem; letter-spacing: 0.08em; text-transform: uppercase; }
.muted, .detail { color: var(--muted); }
.muted { font-size: 0.9rem; overflow-wrap: anywhere; }
section, figure {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 22px 24px; margin: 0 0 18px;
}
.verdict { border-color: color-mix(in srgb, var(--chosen) 45%, var(--line)); background: var(--tint); }
.verdict .gain { font-size: clamp(1.1rem, 2.6vw, 1.35rem); line-height: 1.4; font-weight: 650; margin: 6px 0 8px; text-wrap: pretty; }
.pill {
  display: inline-block; padding: 1px 10px; border-radius: 999px; border: 1px solid currentColor;
  font-size: 0.8rem; font-weight: 650;
}
.good { color: var(--chosen); } .bad { color: var(--bad); } .doubt { color: var(--doubt); }
.weak { color: var(--muted); } .strong { font-weight: 700; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin: 0 0 18px; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 14px 18px; }
.tiles b { display: block; font-size: 1.6rem; line-height: 1.25; letter-spacing: -0.02em; }
.tiles span { display: block; font-size: 0.85rem; color: var(--muted); }
.wide svg, .medium svg, .narrow svg { display: block; width: 100%; height: auto; font-family: inherit; }
.medium, .narrow { display: none; }
figcaption { color: var(--muted); font-size: 0.9rem; margin-top: 6px; }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 0 0 4px; padding: 0; font-size: 0.9rem; color: var(--muted); }
.key li { display: flex; align-items: center; gap: 7px; }
.key path { fill: currentColor; fill-opacity: 0.18; stroke: currentColor; stroke-width: 2; }
.key .bar { width: 14px; height: 10px; border-radius: 3px; }
.key .front { width: 18px; border-top: 2px solid var(--chosen); opacity: 0.55; }
.chart { margin: 10px 0 6px; }
.scroll { position: relative; overflow-x: auto; margin: 8px -24px 0; padding: 0 24px; }
.scroll {
  /* shadows at the sides that have more: the covers move with the table, the shadows do not */
  background:
    linear-gradient(to right, var(--card) 24px, transparent 48px) local,
    linear-gradient(to left, var(--card) 24px, transparent 48px) right / 48px 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent 16px),
    linear-gradient(to left, var(--shade), transparent 16px);
}
.scroll:focus-visible { outline: 2px solid var(--variant); outline-offset: -2px; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
th, td { text-align: left; padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--muted); font-weight: 500; font-size: 0.85rem; white-space: nowrap; }
tbody th { font-weight: 500; white-space: nowrap; }
.right { text-align: right; }
td { white-space: nowrap; } td.wrap { white-space: normal; min-width: 12em; }
td.path { white-space: normal; overflow-wrap: anywhere; min-width: 7.5em; }
td.path > span { font-size: 0.88em; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.detail { display: block; font-size: 0.82rem; }
tr.chosen { background: var(--tint); }
.heat { width: auto; min-width: 60%; border-collapse: separate; border-spacing: 3px; margin-bottom: 10px; }
.heat caption { text-align: left; color: var(--muted); font-size: 0.85rem; padding: 4px 0; }
.heat th, .heat td { border: 0; padding: 6px 10px; }
.heat thead th { text-align: center; }
.heat td { border-radius: 6px; text-align: center; cursor: help; }
.facts { display: grid; grid-template-columns: repeat(2, 1fr); gap: 18px 32px; }
dl { margin: 4px 0 0; font-size: 0.92rem; }
dl div { display: grid; grid-template-columns: 8.5em 1fr; gap: 10px; padding: 4px 0; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
details { border-top: 1px solid var(--line); padding: 8px 0; }
details:first-of-type { border-top: 0; }
summary { cursor: pointer; font-weight: 500; }
pre, code { font: 0.88rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--code); border-radius: 8px; padding: 12px 14px; margin: 8px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
ul.plain { margin: 4px 0 0; padding-left: 1.2em; }
ul.plain code { overflow-wrap: anywhere; }
footer { color: var(--muted); font-size: 0.85rem; }
@media (max-width: 900px) { .wide { display: none; } .medium { display: block; } }
@media (max-width: 840px) {
  table.cards, .cards td, .cards th { display: block; }
  .cards tr { display: flex; flex-direction: column; } .cards th { order: -1; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tr { border: 1px solid var(--line); border-radius: 10px; padding: 8px 14px; }
  .cards tbody { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 12px; }
  .cards tbody tr > * { border: 0; padding: 3px 0; }
  .cards td { display: flex; justify-content: space-between; gap: 12px; text-align: right; white-space: normal; }
  .cards td::before { content: attr(data-title); color: var(--muted); flex: none; }
  .cards td.empty { display: none; }
  .cards td > span { overflow-wrap: anywhere; }
  .cards th { font-weight: 650; white-space: normal; padding-bottom: 4px; }
}
@media (max-width: 760px) {
  main { padding: 24px 14px 40px; }
  section, figure { padding: 16px; }
  .scroll { margin: 8px -16px 0; padding: 0 16px; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  .tiles b { font-size: 1.35rem; }
  .facts { grid-template-columns: 1fr; }
}
@media (max-width: 560px) {
  .medium { display: none; } .narrow { display: block; }
  dl div { grid-template-columns: 1fr; gap: 0; padding: 5px 0; }
}
@media print {
  :root { color-scheme: light; ${light} }
  main { max-width: none; padding: 0; }
  section, figure { break-inside: avoid; }
}
`
