import { expect, test } from 'vitest'
import { verbReference } from './verb-reference.ts'

test('the reference of a verb', async () => {
  expect(`\n${await verbReference('run')}\n`).toMatchInlineSnapshot(`
    "
        limbeck run <model> [text] [second] [options]

    - \`<model>\`: model folder, folder that Limbeck wrote, ONNX file, or org/name of the Hub
    - \`[text]\`: the text, the question, or the query
    - \`[second]\`: second text of a pair; the context of a question

    | option | what it does | default |
    | --- | --- | --- |
    | --task &lt;task&gt; | text-classification, token-classification, question-answering, fill-mask, embeddings, zero-shot, reranking or retrieval | from the model and the options |
    | --question &lt;text&gt; | the question, as the first text |  |
    | --context &lt;text&gt; | what the question is answered from, as the second text; long ones run as windows |  |
    | --candidates &lt;labels&gt; | labels to choose among without training (zero-shot), parted by commas | for data, the labels of the file |
    | --hypothesis &lt;text&gt; | what a candidate is put into, at {} | "This example is {}."; the candidate alone for embeddings |
    | --multi-label | judge each candidate by itself: several may be right |  |
    | --query &lt;text&gt; | what documents are ranked by |  |
    | --documents &lt;file&gt; | texts to rank by the query: one a line, or the column text of a table |  |
    | --top &lt;n&gt; | documents, or words for a mask, to print | 10 documents, 5 words |
    | --revision &lt;name&gt; | branch, tag or commit of a model of the Hub | main |
    | --offline | send no request: a model of the Hub must lie in the Hub's cache |  |
    | --variant &lt;file&gt; | which file of the folder's onnx to run, such as model\\_quantized | the fastest here |
    | --all-variants | run every variant: does INT8 answer as FP32 does, and how fast is each |  |
    | --threads &lt;n&gt; | threads of each run | the physical cores allotted |
    | --json | print one JSON document instead of a table |  |
    | --debug | print the stack of an error |  |

        limbeck run ./out "where is my parcel?"
        limbeck run ./qa --question "Who wrote it?" --context "It was written by Ada." --all-variants
        limbeck run ./nli "the keeper saved it" --candidates "sport,politics"
        limbeck run ./ranker --query "how do I return it?" --documents answers.txt --top 3
    "
  `)
})
