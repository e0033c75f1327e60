/** How a student of another shape begins: with its teacher's weights made narrower, or with drawn ones. */
export const studentInits = ['svd', 'slice', 'random'] as const
export type StudentInit = (typeof studentInits)[number]
