/** Small ONNX models with what the reader follows: subgraphs, functions, weights inside and beside. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { float, graphAttribute, ints } from '../../src/graph/attributes.ts'
import { GraphBuilder } from '../../src/graph/builder.ts'
import { float32Tensor } from '../../src/graph/tensor.ts'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type FunctionProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../../src/onnx/generated/onnx-ml.ts'
import { onnxBytes } from '../../src/onnx/write-onnx.ts'

/** An If with two branches, attributes, weights, and an unknown operator. */
export function withSubgraphs(): Uint8Array {
  const branch = (value: number) => {
    const builder = new GraphBuilder('branch')
    builder.output('out', builder.op('Mul', [x, builder.constant(float32Tensor([value]))]))
    return graphAttribute(builder.build())
  }
  const builder = new GraphBuilder('model')
  const x = builder.input('x', 'float32', ['batch', 4])
  const condition = builder.input('condition', 'bool', [])
  const picked = builder.op('If', [condition], { then_branch: branch(2), else_branch: branch(3) })
  const scaled = builder.op('LeakyRelu', [picked], { alpha: float(0.5) })
  const weight = builder.constant(float32Tensor([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]))
  const product = builder.op('MatMul', [scaled, weight])
  const shape = builder.op('Reshape', [product, builder.int64s([0, -1, 1], 'shape')])
  builder.output('y', builder.op('Transpose', [shape], { perm: ints([1, 0, 2]) }))
  return onnxBytes(builder.build(), { opset: 17 })
}

const opset = (domain: string, version: bigint) =>
  create(OperatorSetIdProtoSchema, { domain, version })
const opsetImport = [opset('', 20n)]
const io = (name: string) => create(ValueInfoProtoSchema, { name })
const double: MessageInitShape<typeof FunctionProtoSchema> = {
  domain: 'local',
  name: 'Double',
  input: ['a'],
  output: ['b'],
  opsetImport,
  node: [create(NodeProtoSchema, { opType: 'Add', input: ['a', 'a'], output: ['b'] })],
}

/** A function that calls another. */
export function withFunctions(): Uint8Array {
  const call = (opType: string, input: string, output: string) =>
    create(NodeProtoSchema, { opType, domain: 'local', input: [input], output: [output] })
  const imports = [...opsetImport, opset('local', 1n)]
  const twice: MessageInitShape<typeof FunctionProtoSchema> = {
    ...double,
    name: 'Quadruple',
    opsetImport: imports,
    node: [call('Double', 'a', 'c'), call('Double', 'c', 'b')],
  }
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: imports,
    functions: [double, twice],
    graph: {
      name: 'g',
      input: [io('x')],
      output: [io('y')],
      node: [call('Quadruple', 'x', 't'), call('Double', 't', 'y')],
    },
  })
  return toBinary(ModelProtoSchema, model)
}

/** A weight in the file `data` beside the model, 16 bytes from its start. */
export function withExternalData(): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport,
    graph: {
      name: 'g',
      input: [io('x')],
      output: [io('y')],
      initializer: [
        {
          name: 'w',
          dataType: 1,
          dims: [2n, 2n],
          dataLocation: TensorProto_DataLocation.EXTERNAL,
          externalData: [
            { key: 'location', value: 'data' },
            { key: 'offset', value: '0' },
            { key: 'length', value: '16' },
          ],
        },
      ],
      node: [{ opType: 'MatMul', input: ['x', 'w'], output: ['y'] }],
    },
  })
  return toBinary(ModelProtoSchema, model)
}

/**
 * A text model whose com.microsoft Attention lacks the bias that the operator leaves optional, on which
 * ONNX Runtime 1.30 crashes instead of refusing it.
 */
export function attentionWithoutBias(): Uint8Array {
  const floats = (name: string, dims: readonly number[]) =>
    create(TensorProtoSchema, {
      name,
      dataType: 1,
      dims: dims.map(BigInt),
      rawData: new Uint8Array(4 * dims.reduce((size, dim) => size * dim, 1)),
    })
  const typed = (name: string, elemType: number) =>
    create(ValueInfoProtoSchema, {
      name,
      type: {
        value: {
          case: 'tensorType',
          value: {
            elemType,
            shape: {
              dim: ['batch_size', 'sequence_length', ...(elemType === 1 ? ['w'] : [])].map(
                (dimParam) => ({ value: { case: 'dimParam', value: dimParam } }) as const,
              ),
            },
          },
        },
      },
    })
  const heads = create(AttributeProtoSchema, {
    name: 'num_heads',
    type: AttributeProto_AttributeType.INT,
    i: 2n,
  })
  const model = create(ModelProtoSchema, {
    irVersion: 9n,
    opsetImport: [opset('', 17n), opset('com.microsoft', 1n)],
    graph: {
      name: 'g',
      input: [typed('input_ids', 7), typed('attention_mask', 7)],
      output: [typed('logits', 1)],
      initializer: [floats('table', [5000, 12]), floats('w', [12, 36])],
      node: [
        create(NodeProtoSchema, { opType: 'Gather', input: ['table', 'input_ids'], output: ['x'] }),
        create(NodeProtoSchema, {
          opType: 'Attention',
          domain: 'com.microsoft',
          input: ['x', 'w'],
          output: ['logits'],
          attribute: [heads],
        }),
      ],
    },
  })
  return toBinary(ModelProtoSchema, model)
}
