/** A command line as a shell takes it, so that a report can say how it was made. */

/** Words joined, those with special characters in single quotes. */
export const shellCommand = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ')
