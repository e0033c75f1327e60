/** The onnx room: bytes. Safetensors, half floats, packed int4, derivations, and the ONNX codec. */
export * from './cast-elements.ts'
export * from './derivations.ts'
export * from './file-access.ts'
export * from './half-floats.ts'
export * from './materialize.ts'
export * from './packed-int4.ts'
export * from './quantize-weight.ts'
export * from './read-safetensors.ts'
