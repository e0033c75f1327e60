/** The page around every report: one file, no script, nothing loaded. A content policy forbids both. */
import { Html, type HtmlPart, html } from './html-template.ts'
import { pageStyle } from './page-style.ts'

const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

/** A whole document. */
export const htmlPage = (title: string, limbeck: string, body: HtmlPart): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${title}</title>
<style>${new Html(pageStyle)}</style>
</head>
<body>
<main>
${body}
<footer>Limbeck ${limbeck}. This page loads nothing and runs no script.</footer>
</main>
</body>
</html>
`.markup
