/** The fit room: models run over data. */
export * from './answer.ts'
export * from './data-task.ts'
export * from './measured-text.ts'
export * from './model-rows.ts'
export * from './predict.ts'
export * from './question-answering.ts'
export * from './run-task.ts'
export * from './token-classification.ts'
