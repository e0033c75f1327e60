import { expect, test } from 'vitest'
import { optionTable } from './options.ts'
import { runCli } from './run-cli.ts'
import { fakeContext } from './testing/fake-context.ts'
import { verbs } from './verbs.ts'

const help = async (...args: string[]): Promise<string> => {
  const context = fakeContext()
  expect(await runCli([...args, '--help'], context)).toBe(0)
  expect(context.stderr.text).toBe('')
  return `\n${context.stdout.text}`
}

test('limbeck --help', async () => {
  expect(await help()).toMatchInlineSnapshot(`
    "
    Usage: limbeck [options] [command]

    Makes Transformers small and fast: optimize, verify and measure on ONNX Runtime.

    Options:
      -V, --version  print the version
      -h, --help     print this help

    Commands:
      optimize       make a model smaller and faster, and prove what it cost
      export         write a model as ONNX, fp32
      quantize       write a model as ONNX with INT8 weights
      sensitivity    rank layers by what quantization does to them, and say which to leave in fp32
      fuse           fuse the operators of anybody's ONNX file, and compare the result with it
      train          fine-tune a model on labelled data, and write it with its ONNX files
      distill        teach a smaller model what a trained one knows, and write it with its ONNX files
      prune          keep some layers of a model, as a smaller one to train or distil
      compare        show where two models part, tensor by tensor
      eval           measure a model on labelled data, with intervals
      bench          measure latency and memory, interleaved with a rival
      run            run a model on a text
      inspect        explain a model: work, time and memory by operator and layer, what would help
      report         show all of an output in one page: threads, lengths, operators, bytes, costs
      doctor         look at this machine: CPU, INT8 kernel, threads, install faults

    Options of a verb: limbeck <verb> --help
    "
  `)
})

test('limbeck optimize --help', async () => {
  expect(await help('optimize')).toMatchInlineSnapshot(`
    "
    Usage: limbeck optimize [options] <model>

    make a model smaller and faster, and prove what it cost

    Arguments:
      model                          model folder (config.json, model.safetensors, tokenizer), any ONNX
                                     file, or org/name of the Hub

    Data:
      --data <file>                  data file: TSV, CSV, JSON, JSONL, Parquet, SQuAD, CoNLL or text,
                                     also .gz (default: random tokens)
      --text <column>                column of the text, by name or number from 1 (default: known names)
      --text-pair <column>           column of the second text (default: found with the text)
      --label <column>               column of the label or score (default: known names)
      --label-map <map>              what the labels of the data mean: neg=0,pos=1, or a JSON file
                                     (default: as the model names them)
      --task <task>                  text-classification, pair-classification,
                                     multi-label-classification, regression, similarity,
                                     question-answering, token-classification, zero-shot, reranking,
                                     retrieval or embeddings (default: from the model and the columns)
      --encoding <name>              encoding of the data file (default: utf-8)
      --no-header                    the first line is data, not column names
      --limit <n>                    most examples to read (default: all)
      --candidates <labels>          labels to choose among without training (zero-shot), parted by
                                     commas (default: for data, the labels of the file)
      --hypothesis <text>            what a candidate is put into, at {} (default: "This example is
                                     {}."; the candidate alone for embeddings)
      --stride <n>                   tokens that windows over a long context share (default: 128)
      --no-answer-threshold <score>  how far the null score must be above that of the best span for no
                                     answer (default: 0 for SQuAD v2, always an answer for v1.1)
      --max-length <n>               tokens a text is cut to (default: what the model takes)

    Acceptance:
      --max-drop <drop>              largest allowed drop of the metric: '1%' of it, or '0.5pt' (points)
                                     (default: 1%)
      --strict                       choose only a variant whose drop is proven to be allowed

    Measurement:
      --threads <n>                  threads of each run (default: 1)
      --shapes <list>                texts x tokens; the last decides (default: 1x16,1x128)
      --dim <name=n>                 size of a file's dimension that the shape does not give; may be
                                     repeated
      --seconds <s>                  time for each shape and thread count (default: 8)
      --batch-size <n>               texts that run together; results of dynamic INT8 depend on it
                                     (default: 32)
      --seed <n>                     seed of every random choice (default: 1)

    Distillation:
      --distill <student>            teach a smaller model first and measure it beside the model: layers
                                     of it (every-second, first-N, …), a shape such as 2x128 (layers x
                                     width), or a model folder (default: none)
      --train-data <file>            what the student learns from, with the columns of --data; not the
                                     data it is judged by
      --learning-rate <rate>         the highest learning rate; 5e-4 suits a shape (default: 5e-5)
      --epochs <n>                   passes over what it learns from (default: 3)
      --steps <n>                    updates of the weights, instead of epochs
      --resume                       go on from the checkpoint of a student whose learning was stopped

    Output:
      -o, --output <dir>             folder to write (default: limbeck-output/<model name>)
      --overwrite                    replace a folder that Limbeck wrote before
      --explain                      tell how often each rewriting rule fired, and why not more often
      --json                         print one JSON document instead of a table
      --debug                        print the stack of an error

    Model:
      --revision <name>              branch, tag or commit of a model of the Hub (default: main)
      --offline                      send no request: a model of the Hub must lie in the Hub's cache
      --dequantize                   make float32 of an ONNX file that is quantized or in half floats,
                                     first
      --simulate <cpu>               tell also what another CPU makes of it: avx2 or avx512 (whose
                                     integer products saturate); vnni, amx and arm are exact

    Options:
      -h, --help                     print this help

    Examples:
      limbeck optimize ./my-model --data dev.tsv --text sentence --label label --max-drop 1%
      limbeck optimize ./my-model --data dev.tsv --distill every-second --train-data train.tsv
      limbeck optimize ./my-model --data texts.txt
      limbeck optimize ./model.onnx
    "
  `)
})

test('limbeck export --help', async () => {
  expect(await help('export')).toMatchInlineSnapshot(`
    "
    Usage: limbeck export [options] <model>

    write a model as ONNX, fp32

    Arguments:
      model               model folder (config.json, model.safetensors), any ONNX file, or org/name of
                          the Hub

    Model:
      --revision <name>   branch, tag or commit of a model of the Hub (default: main)
      --offline           send no request: a model of the Hub must lie in the Hub's cache
      --target <target>   portable (any ONNX Runtime, browsers) or cpu (this one) (default: both)
      --dequantize        make float32 of an ONNX file that is quantized or in half floats, first
      --external-data     weights beside the file, whatever their size (default: above 1 GB)

    Measurement:
      --dim <name=n>      size of a file's dimension that the shape does not give; may be repeated

    Output:
      -o, --output <dir>  folder to write
      --overwrite         replace a folder that Limbeck wrote before
      --explain           tell how often each rewriting rule fired, and why not more often
      --json              print one JSON document instead of a table
      --debug             print the stack of an error

    Options:
      -h, --help          print this help

    Examples:
      limbeck export ./my-model -o ./my-model-onnx
      limbeck export ./my-model -o out --target portable
    "
  `)
})

test('limbeck quantize --help', async () => {
  expect(await help('quantize')).toMatchInlineSnapshot(`
    "
    Usage: limbeck quantize [options] <model>

    write a model as ONNX with INT8 weights

    Arguments:
      model                     model folder (config.json, model.safetensors), any ONNX file, or
                                org/name of the Hub

    Model:
      --revision <name>         branch, tag or commit of a model of the Hub (default: main)
      --offline                 send no request: a model of the Hub must lie in the Hub's cache
      --scheme <scheme>         how to quantize: dynamic-int8, static-int8, int8-weights, int4, q4f16,
                                fp16 or bf16 (default: dynamic-int8)
      --weight-bits <bits>      range of the weights, 4 to 8 bits, each stored in a byte (default: 7
                                where a CPU could saturate)
      --per-token               dynamic-int8 with a range for each token: no result depends on its batch
      --per-tensor              INT8 with one scale for a whole weight, not one for each column
      --smooth                  SmoothQuant for INT8: outliers of inputs move into weights, as --data
                                shows them
      --calibrate <method>      how static-int8 finds ranges: min-max, moving-average, percentile,
                                entropy or mse (default: percentile)
      --form <form>             how static-int8 is written: fused (com.microsoft), qdq (pairs) or
                                qoperator (QLinearMatMul) (default: fused for cpu, qdq for portable)
      --block <n>               weights of a row that share a scale: 16, 32, 64, 128 or 256 (default:
                                32)
      --symmetric               blocks without zero points: smaller by a little, less exact
      --method <method>         how weights in blocks find codes: rtn (to the nearest), or from --data
                                gptq, awq or awq-gptq (default: rtn)
      --accuracy-level <level>  what weights in blocks compute with: 4 (int8 activations) or 0 (float32)
                                (default: 4)
      --storage                 fp16 for weights alone: half the file, computed in float32
      --exclude <glob>          layers that stay fp32, by module path; * matches any text; may be
                                repeated
      --simulate <cpu>          tell also what another CPU makes of it: avx2 or avx512 (whose integer
                                products saturate); vnni, amx and arm are exact
      --override <glob=scheme>  another scheme for some layers, or fp32: *.query=int4:block=64; may be
                                repeated, the last wins
      --target <target>         portable (any ONNX Runtime, browsers) or cpu (this one) (default: both)
      --dequantize              make float32 of an ONNX file that is quantized or in half floats, first
      --external-data           weights beside the file, whatever their size (default: above 1 GB)

    Data:
      --data <file>             texts to calibrate on: TSV, CSV, JSON, JSONL, Parquet or text, also .gz
      --samples <n>             texts of the data to calibrate on (default: 128)
      --text <column>           column of the text, by name or number from 1 (default: known names)
      --text-pair <column>      column of the second text (default: found with the text)
      --label <column>          column of the label or score (default: known names)
      --label-map <map>         what the labels of the data mean: neg=0,pos=1, or a JSON file (default:
                                as the model names them)
      --task <task>             text-classification, pair-classification, multi-label-classification,
                                regression, similarity, question-answering, token-classification,
                                zero-shot, reranking, retrieval or embeddings (default: from the model
                                and the columns)
      --limit <n>               most examples to read (default: all)
      --no-header               the first line is data, not column names
      --encoding <name>         encoding of the data file (default: utf-8)

    Acceptance:
      --max-drop <drop>         leave the fewest layers in more bits that keep the drop of --data's
                                metric within '1%' or '0.5pt'
      --mix <schemes>           schemes that layers can have on their way from --scheme to fp32, parted
                                by commas
      --strict                  choose only a variant whose drop is proven to be allowed

    Measurement:
      --dim <name=n>            size of a file's dimension that the shape does not give; may be repeated

    Output:
      -o, --output <dir>        folder to write
      --overwrite               replace a folder that Limbeck wrote before
      --explain                 tell how often each rewriting rule fired, and why not more often
      --json                    print one JSON document instead of a table
      --debug                   print the stack of an error

    Options:
      -h, --help                print this help

    Examples:
      limbeck quantize ./my-model -o ./my-model-int8
      limbeck quantize ./my-model --scheme int4 --method gptq --data texts.txt -o out
      limbeck quantize ./my-model -o out --exclude '*.layer.0.*' --weight-bits 7
      limbeck quantize ./my-model -o out --scheme int4 --override '*.layer.0.*=dynamic-int8'
      limbeck quantize ./my-model -o out --scheme int4 --mix int8-weights --max-drop 0.5pt --data dev.tsv
    "
  `)
})

test('limbeck eval --help', async () => {
  expect(await help('eval')).toMatchInlineSnapshot(`
    "
    Usage: limbeck eval [options] <model>

    measure a model on labelled data, with intervals

    Arguments:
      model                          model folder, folder that Limbeck wrote, ONNX file, or org/name of
                                     the Hub

    Data:
      --data <file>                  data file: TSV, CSV, JSON, JSONL, Parquet, SQuAD, CoNLL or text,
                                     also .gz
      --text <column>                column of the text, by name or number from 1 (default: known names)
      --text-pair <column>           column of the second text (default: found with the text)
      --label <column>               column of the label or score (default: known names)
      --label-map <map>              what the labels of the data mean: neg=0,pos=1, or a JSON file
                                     (default: as the model names them)
      --task <task>                  text-classification, pair-classification,
                                     multi-label-classification, regression, similarity,
                                     question-answering, token-classification, zero-shot, reranking,
                                     retrieval or embeddings (default: from the model and the columns)
      --encoding <name>              encoding of the data file (default: utf-8)
      --no-header                    the first line is data, not column names
      --limit <n>                    most examples to read (default: all)
      --candidates <labels>          labels to choose among without training (zero-shot), parted by
                                     commas (default: for data, the labels of the file)
      --hypothesis <text>            what a candidate is put into, at {} (default: "This example is
                                     {}."; the candidate alone for embeddings)
      --stride <n>                   tokens that windows over a long context share (default: 128)
      --no-answer-threshold <score>  how far the null score must be above that of the best span for no
                                     answer (default: 0 for SQuAD v2, always an answer for v1.1)
      --max-length <n>               tokens a text is cut to (default: what the model takes)

    Model:
      --revision <name>              branch, tag or commit of a model of the Hub (default: main)
      --offline                      send no request: a model of the Hub must lie in the Hub's cache
      --variant <file>               which file of the folder's onnx to run, such as model_quantized
                                     (default: the fastest here)
      --simulate <cpu>               tell also what another CPU makes of it: avx2 or avx512 (whose
                                     integer products saturate); vnni, amx and arm are exact

    Measurement:
      --threads <n>                  threads of each run (default: the physical cores allotted)
      --batch-size <n>               texts that run together; results of dynamic INT8 depend on it
                                     (default: 32)

    Output:
      --json                         print one JSON document instead of a table
      --debug                        print the stack of an error

    Options:
      -h, --help                     print this help

    Examples:
      limbeck eval ./my-model --data dev.tsv --text sentence --label label
      limbeck eval ./out --data dev.tsv --variant model_cpu_quantized --simulate avx2
      limbeck eval ./out --data sts.csv --text 6 --text-pair 7 --label 5 --no-header --variant model_quantized
    "
  `)
})

test('limbeck bench --help', async () => {
  expect(await help('bench')).toMatchInlineSnapshot(`
    "
    Usage: limbeck bench [options] <model>

    measure latency and memory, interleaved with a rival

    Arguments:
      model              model folder, folder that Limbeck wrote, ONNX file, or org/name of the Hub

    Model:
      --revision <name>  branch, tag or commit of a model of the Hub (default: main)
      --offline          send no request: a model of the Hub must lie in the Hub's cache
      --variant <file>   which file of the folder's onnx to run, such as model_quantized (default: the
                         fastest here)

    Measurement:
      --vs <model>       rival to measure in turn with the model: folder or ONNX file
      --threads <list>   thread counts; rows above the cores allotted are marked (default: 1,2,4)
      --shapes <list>    texts x tokens (default: 1x16,1x128,8x128)
      --seconds <s>      time for each shape and thread count (default: 10)
      --seed <n>         seed of every random choice (default: 1)

    Output:
      --json             print one JSON document instead of a table
      --debug            print the stack of an error

    Options:
      -h, --help         print this help

    Examples:
      limbeck bench ./out --vs ./my-model --threads 1,2 --shapes 1x128
      limbeck bench ./out --variant model_cpu_quantized --vs other.onnx
    "
  `)
})

test('limbeck inspect --help', async () => {
  expect(await help('inspect')).toMatchInlineSnapshot(`
    "
    Usage: limbeck inspect [options] <model>

    explain a model: work, time and memory by operator and layer, what would help

    Arguments:
      model              model folder, folder that Limbeck wrote, any ONNX file, or org/name of the Hub

    Model:
      --revision <name>  branch, tag or commit of a model of the Hub (default: main)
      --offline          send no request: a model of the Hub must lie in the Hub's cache

    Measurement:
      --shape <shape>    texts x tokens (default: 8x128)
      --dim <name=n>     size of a file's dimension that the shape does not give; may be repeated
      --threads <n>      threads of each run (default: 1)

    Output:
      --explain          tell how often each rewriting rule fired, and why not more often
      --json             print one JSON document instead of a table
      --debug            print the stack of an error

    Options:
      -h, --help         print this help

    Examples:
      limbeck inspect ./my-model
      limbeck inspect ./my-model --shape 1x32 --threads 2 --json
      limbeck inspect ./model.onnx --shape 1x128 --dim past_length=16
    "
  `)
})

test('limbeck run --help', async () => {
  expect(await help('run')).toMatchInlineSnapshot(`
    "
    Usage: limbeck run [options] <model> [text] [second]

    run a model on a text

    Arguments:
      model                  model folder, folder that Limbeck wrote, ONNX file, or org/name of the Hub
      text                   the text, the question, or the query
      second                 second text of a pair; the context of a question

    Data:
      --task <task>          text-classification, token-classification, question-answering, fill-mask,
                             embeddings, zero-shot, reranking or retrieval (default: from the model and
                             the options)
      --question <text>      the question, as the first text
      --context <text>       what the question is answered from, as the second text; long ones run as
                             windows
      --candidates <labels>  labels to choose among without training (zero-shot), parted by commas
                             (default: for data, the labels of the file)
      --hypothesis <text>    what a candidate is put into, at {} (default: "This example is {}."; the
                             candidate alone for embeddings)
      --multi-label          judge each candidate by itself: several may be right
      --query <text>         what documents are ranked by
      --documents <file>     texts to rank by the query: one a line, or the column text of a table
      --top <n>              documents, or words for a mask, to print (default: 10 documents, 5 words)

    Model:
      --revision <name>      branch, tag or commit of a model of the Hub (default: main)
      --offline              send no request: a model of the Hub must lie in the Hub's cache
      --variant <file>       which file of the folder's onnx to run, such as model_quantized (default:
                             the fastest here)
      --all-variants         run every variant: does INT8 answer as FP32 does, and how fast is each

    Measurement:
      --threads <n>          threads of each run (default: the physical cores allotted)

    Output:
      --json                 print one JSON document instead of a table
      --debug                print the stack of an error

    Options:
      -h, --help             print this help

    Examples:
      limbeck run ./out "where is my parcel?"
      limbeck run ./qa --question "Who wrote it?" --context "It was written by Ada." --all-variants
      limbeck run ./nli "the keeper saved it" --candidates "sport,politics"
      limbeck run ./ranker --query "how do I return it?" --documents answers.txt --top 3
    "
  `)
})

test('`help <verb>` is `<verb> --help`', async () => {
  const context = fakeContext()
  expect(await runCli(['help', 'run'], context)).toBe(0)
  expect(`\n${context.stdout.text}`).toBe(await help('run'))
})

test('every option of the table belongs to a verb, or to all', async () => {
  const loaded = await Promise.all(Object.values(verbs).map(({ load }) => load()))
  const used = new Set(loaded.flatMap(({ options }) => options))
  const unused = Object.keys(optionTable).filter((name) => !used.has(name as never))
  expect(unused).toEqual(['json', 'debug'])
})
