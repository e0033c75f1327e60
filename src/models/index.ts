/** The models room: families as declarations, and the builder that reads a checkpoint through them. */
export * from './build-model.ts'
export * from './config.ts'
export * from './dropout-rates.ts'
export * from './family.ts'
export * from './model-builder.ts'
export * from './pooling.ts'
