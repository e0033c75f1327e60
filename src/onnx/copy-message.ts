/**
 * A message with some fields changed. Not a spread: messages of proto2 keep the defaults of unset fields
 * on their prototype.
 */
export const copyMessage = <T extends object>(message: T, changes: Partial<T>): T =>
  Object.assign(Object.create(Object.getPrototypeOf(message) as object) as T, message, changes)
