/** The fit room: models run over data. */
export * from './data-task.ts'
export * from './measured-text.ts'
export * from './model-rows.ts'
export * from './predict.ts'
export * from './question-answering.ts'
export * from './token-classification.ts'
