import { expect, test } from 'vitest'
import { reportMarkdown } from './markdown.ts'
import { sampleReport } from './testing/sample-report.ts'

test('the report as Markdown', () => {
  const short = { ...sampleReport, variants: sampleReport.variants.slice(2) }
  expect(`\n${reportMarkdown(short)}`).toMatchInlineSnapshot(`
    "
    # support-desk

    **INT8 is 2.49× as fast (2.44 to 2.54) and as large as INT8 portable; accuracy 94.3 %, the source 93.7 %.** The fastest variant that is not rejected.

    Verdict proven: a drop of 0.12 pt on 1,600 paired examples, at most 0.49 pt with 95 % confidence; 0.94 pt is allowed (1%).

    |  | variant | file | size | p50 | p95 | speed-up | peak memory | accuracy | drop |
    | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    |  | INT8 portable | onnx/model\\_quantized.onnx | 3.92 MB | 4.13 ms | 4.46 ms | 1× | 117 MB | 93.7 % (92.3 to 94.9) | 0.68 pt (undecided) |
    | ✔ | **INT8** | onnx/model\\_cpu\\_quantized.onnx | 3.90 MB | 3.38 ms | 3.65 ms | 2.49× (2.44 to 2.54) | 113 MB | 94.3 % (92.8 to 95.4) | 0.12 pt (proven) |

    Latency at 1x128, 1 thread; p50, p95 and speed-up interleaved with INT8 portable; intervals 95 %.

    - 4 threads are more than the 2 cores allotted: those rows are not to be quoted.

    ## Metrics

    | variant | accuracy | macro F1 |
    | --- | ---: | ---: |
    | INT8 portable | 93.7 % (92.3 to 94.9) | 93.4 % (92.0 to 94.6) |
    | INT8 | 94.3 % (92.8 to 95.4) | 94.0 % (92.6 to 95.2) |

    ## Latency

    | shape | threads | INT8 portable | INT8 |
    | --- | ---: | ---: | ---: |
    | 1x16 | 1 | 0.710 ms (2.04×) | 0.520 ms (2.49×) |
    | 1x128 | 1 | 4.13 ms (2.04×) | 3.38 ms (2.49×) |
    | 1x128 | 4 (oversubscribed) | 3.30 ms (2.04×) | 2.71 ms (2.49×) |

    ## Fidelity to the source

    | variant | verified | largest difference | mean cosine | least cosine | divergence, nats | same answer | rows |
    | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
    | INT8 portable | yes (mean cosine above 0.9) | 0.412 | 0.998710 | 0.984520 | 0.00258 | 98.6 % (98.2 to 98.6) | 1,600 |
    | INT8 | yes (mean cosine above 0.9) | 0.187 | 0.999540 | 0.994480 | 9.2e-4 | 99.4 % (99.0 to 99.4) | 1,600 |

    ## Passes: INT8 portable

    | pass | time | nodes before | after | hits |
    | --- | ---: | ---: | ---: | --- |
    | simplify | 1.78 ms | 412 | 301 | identity 14, constants 61, common 36 |
    | lower-attention | 1.35 ms | 301 | 241 | attention 6 |
    | lower-linear | 1.10 ms | 241 | 199 | linear with bias 36, pooler 1 |

    ## Passes: INT8

    | pass | time | nodes before | after | hits |
    | --- | ---: | ---: | ---: | --- |
    | simplify | 1.78 ms | 412 | 301 | identity 14, constants 61, common 36 |
    | lower-attention | 1.35 ms | 301 | 241 | attention 6 |
    | lower-linear | 1.10 ms | 241 | 199 | linear with bias 36, pooler 1 |
    | quantize-dynamic | 1.07 ms | 199 | 231 | int8 linear 37, int8 table 1 |

    ## Model

    - name: support-desk
    - folder: examples/support-desk
    - family: bert
    - task: sequence-classification
    - parameters: 3.77 M
    - layers: 6 of width 192
    - labels: 5: order\\_status, cancel\\_order, refund, change\\_address, card\\_declined

    ## Data

    - file: examples/support-desk/test.tsv
    - kind: labelled examples
    - examples: 1,600
    - metric: accuracy
    - truncated: no text was cut

    ## Machine

    - cpu: AMD EPYC 9B45
    - cores: 2 allotted of 2
    - int8 kernel: avx512-vnni
    - instruction sets: avx2 avx512\\_vnni avx512f fma
    - software: Limbeck 0.1.0, ONNX Runtime 1.30.0, Node 20.19.0

    ## Settings

    - allowed drop: 1%
    - threads: 1, 4
    - shapes: 1x16, 1x128
    - batch size: 32 (results of dynamic INT8 depend on it)
    - seed: 1
    - time: build 1.20 s, verify 3.40 s, evaluate 21.8 s, bench 48.1 s

    ## Files

    - \`onnx/model_cpu_quantized.onnx\`: chosen model, 3.90 MB
    - \`onnx/model_quantized.onnx\`: for Transformers.js (q8), 3.92 MB
    - \`report.html\`: this report

    ## Reproduce

        limbeck optimize examples/support-desk --data examples/support-desk/test.tsv --text text --label label
    "
  `)
})
