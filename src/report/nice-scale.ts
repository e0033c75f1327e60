/** Ends and step of an axis at round numbers. Heckbert 1990, Graphics Gems, "Nice numbers". */

export interface Scale {
  readonly min: number
  readonly max: number
  readonly step: number
}

/** A scale that holds `low` to `high` with about `ticks` steps of 1, 2 or 5 times a power of ten. */
export function niceScale(low: number, high: number, ticks = 5): Scale {
  const span = high > low ? high - low : Math.abs(high) || 1
  const raw = span / ticks
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10].find((factor) => factor * power >= raw * (1 - 1e-9))! * power
  const whole = (value: number): number => Number((value * step).toPrecision(12))
  const first = Math.floor(low / step + 1e-9)
  const last = Math.ceil(high / step - 1e-9)
  return { min: whole(first), max: whole(last > first ? last : first + 1), step }
}
