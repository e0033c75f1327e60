import { expect, test } from 'vitest'
import { verbReference } from './verb-reference.ts'

test('the reference of a verb', async () => {
  expect(`\n${await verbReference('run')}\n`).toMatchInlineSnapshot(`
    "
        limbeck run <model> <text> [second] [options]

    - \`<model>\`: model folder, folder that Limbeck wrote, or ONNX file
    - \`<text>\`: the text
    - \`[second]\`: second text of a pair; the context of a question

    | option | what it does | default |
    | --- | --- | --- |
    | --variant &lt;file&gt; | which file of the folder's onnx to run, such as model\\_quantized | the fastest here |
    | --threads &lt;n&gt; | threads of each run | the physical cores allotted |
    | --json | print one JSON document instead of a table |  |
    | --debug | print the stack of an error |  |

        limbeck run ./out "where is my parcel?"
        limbeck run ./qa "Who wrote it?" "It was written by Ada."
    "
  `)
})
