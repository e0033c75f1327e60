/** Options of the model: where it comes from, and what is made of it. */
import type { OptionSpec } from './option-spec.ts'
import { oneOf, textEach, textList, wholeNumber } from './parse-values.ts'

export const modelOptions = {
  keptLayers: {
    flags: '--layers <which>',
    group: 'Model',
    help: 'layers to keep: every-second, first-N, last-N, spread-N, or numbers from 0 such as 0,2,4',
    default: 'every-second',
  },
  revision: {
    flags: '--revision <name>',
    group: 'Model',
    help: 'branch, tag or commit of a model of the Hub',
    default: 'main',
  },
  offline: {
    flags: '--offline',
    group: 'Model',
    help: "send no request: a model of the Hub must lie in the Hub's cache",
  },
  variant: {
    flags: '--variant <file>',
    group: 'Model',
    help: "which file of the folder's onnx to run, such as model_quantized",
    default: 'the fastest here',
  },
  variantA: {
    flags: '--variant-a <file>',
    group: 'Model',
    help: "which file of the first folder's onnx to compare, such as model_quantized",
    default: 'its weights, or the fastest file here',
  },
  variantB: {
    flags: '--variant-b <file>',
    group: 'Model',
    help: 'the same of the second',
    default: 'its weights, or the fastest file here',
  },
  source: {
    flags: '--source <dir>',
    group: 'Model',
    help: 'the model folder that was optimized',
    default: 'where it was then',
  },
  allVariants: {
    flags: '--all-variants',
    group: 'Model',
    help: 'run every variant: does INT8 answer as FP32 does, and how fast is each',
  },
  scheme: {
    flags: '--scheme <scheme>',
    group: 'Model',
    help: 'how to quantize: dynamic-int8, static-int8, int8-weights, int4, q4f16, fp16 or bf16',
    default: 'dynamic-int8',
    parse: oneOf('dynamic-int8', 'static-int8', 'int8-weights', 'int4', 'q4f16', 'fp16', 'bf16'),
  },
  perToken: {
    flags: '--per-token',
    group: 'Model',
    help: 'dynamic-int8 with a range for each token: no result depends on its batch',
  },
  perTensor: {
    flags: '--per-tensor',
    group: 'Model',
    help: 'INT8 with one scale for a whole weight, not one for each column',
  },
  smooth: {
    flags: '--smooth',
    group: 'Model',
    help: 'SmoothQuant for INT8: outliers of inputs move into weights, as --data shows them',
  },
  calibrate: {
    flags: '--calibrate <method>',
    group: 'Model',
    help: 'how static-int8 finds ranges: min-max, moving-average, percentile, entropy or mse',
    default: 'percentile',
    parse: oneOf('min-max', 'moving-average', 'percentile', 'entropy', 'mse'),
  },
  form: {
    flags: '--form <form>',
    group: 'Model',
    help: 'how static-int8 is written: fused (com.microsoft), qdq (pairs) or qoperator (QLinearMatMul)',
    default: 'fused for cpu, qdq for portable',
    parse: oneOf('fused', 'qdq', 'qoperator'),
  },
  block: {
    flags: '--block <n>',
    group: 'Model',
    help: 'weights of a row that share a scale: 16, 32, 64, 128 or 256',
    default: '32',
    parse: wholeNumber,
  },
  symmetric: {
    flags: '--symmetric',
    group: 'Model',
    help: 'blocks without zero points: smaller by a little, less exact',
  },
  method: {
    flags: '--method <method>',
    group: 'Model',
    help: 'how weights in blocks find codes: rtn (to the nearest), or from --data gptq, awq or awq-gptq',
    default: 'rtn',
    parse: oneOf('rtn', 'gptq', 'awq', 'awq-gptq'),
  },
  accuracyLevel: {
    flags: '--accuracy-level <level>',
    group: 'Model',
    help: 'what weights in blocks compute with: 4 (int8 activations) or 0 (float32)',
    default: '4',
    parse: oneOf(0, 4),
  },
  storage: {
    flags: '--storage',
    group: 'Model',
    help: 'fp16 for weights alone: half the file, computed in float32',
  },
  simulate: {
    flags: '--simulate <cpu>',
    group: 'Model',
    help: 'tell also what another CPU makes of it: avx2 or avx512 (whose integer products saturate); vnni, amx and arm are exact',
  },
  weightBits: {
    flags: '--weight-bits <bits>',
    group: 'Model',
    help: 'range of the weights, 4 to 8 bits, each stored in a byte',
    default: '7 where a CPU could saturate',
    parse: oneOf(4, 5, 6, 7, 8),
  },
  exclude: {
    flags: '--exclude <glob>',
    group: 'Model',
    help: 'layers that stay fp32, by module path; * matches any text; may be repeated',
    parse: textList,
  },
  override: {
    flags: '--override <glob=scheme>',
    group: 'Model',
    help: 'another scheme for some layers, or fp32: *.query=int4:block=64; may be repeated, the last wins',
    parse: textEach,
  },
  mix: {
    flags: '--mix <schemes>',
    group: 'Acceptance',
    help: 'schemes that layers can have on their way from --scheme to fp32, parted by commas',
    parse: textList,
  },
  target: {
    flags: '--target <target>',
    group: 'Model',
    help: 'portable (any ONNX Runtime, browsers) or cpu (this one)',
    default: 'both',
    parse: oneOf('portable', 'cpu'),
  },
  fuseTarget: {
    flags: '--target <target>',
    group: 'Model',
    help: 'cpu (this one), portable (any ONNX Runtime, browsers) or both',
    default: 'cpu',
    parse: oneOf('cpu', 'portable', 'both'),
  },
  dequantize: {
    flags: '--dequantize',
    group: 'Model',
    help: 'make float32 of an ONNX file that is quantized or in half floats, first',
  },
  externalData: {
    flags: '--external-data',
    group: 'Model',
    help: 'weights beside the file, whatever their size',
    default: 'above 1 GB',
  },
} as const satisfies Record<string, OptionSpec>
