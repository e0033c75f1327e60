/** The graph room: the IR, its builder, matcher, rewriter and printer. */
export * from './attributes.ts'
export * from './builder.ts'
export * from './data-type.ts'
export * from './graph.ts'
export * from './shape.ts'
export * from './tensor.ts'
