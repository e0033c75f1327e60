import { expect, test } from 'vitest'
import { verbReference } from './verb-reference.ts'

test('the reference of a verb', async () => {
  expect(`\n${await verbReference('run')}\n`).toMatchInlineSnapshot(`
    "
        limbeck run <model> [text] [second] [options]

    - \`<model>\`: model folder, folder that Limbeck wrote, or ONNX file
    - \`[text]\`: the text, or the question
    - \`[second]\`: second text of a pair; the context of a question

    | option | what it does | default |
    | --- | --- | --- |
    | --question &lt;text&gt; | the question, as the first text |  |
    | --context &lt;text&gt; | what the question is answered from, as the second text; long ones run as windows |  |
    | --variant &lt;file&gt; | which file of the folder's onnx to run, such as model\\_quantized | the fastest here |
    | --all-variants | run every variant: does INT8 answer as FP32 does, and how fast is each |  |
    | --threads &lt;n&gt; | threads of each run | the physical cores allotted |
    | --json | print one JSON document instead of a table |  |
    | --debug | print the stack of an error |  |

        limbeck run ./out "where is my parcel?"
        limbeck run ./qa --question "Who wrote it?" --context "It was written by Ada." --all-variants
    "
  `)
})
