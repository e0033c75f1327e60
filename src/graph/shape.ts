/**
 * Dimensions: integers, symbols and expressions over symbols, or unknown.
 *
 * A dimension is a number, a canonical text over symbols (`batch`, `2*seq+1`, `batch*seq`), or null.
 * Equal texts are equal dimensions; different texts are *not known to be equal*, never unequal, since
 * exporters name each input's axes apart.
 */

/** One dimension: known, symbolic (canonical polynomial text), or unknown. */
export type Dim = number | string | null
export type Shape = readonly Dim[]
