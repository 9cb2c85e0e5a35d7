/**
 * How much a caller wants a media type, from 0 (not at all) to 1, by its `Accept` header; undefined when nothing in the header
 * names the type or a range around it.
 *
 * @see RFC 9110 section 12.5.1: types are case-insensitive, the most specific range counts, `q` is 1 unless it is given
 */
export function acceptRatio(accept: string, type: string): number | undefined {
  const [family = ''] = type.split('/')
  const ranges = accept.split(',').map(readRange)
  for (const name of [type, `${family}/*`, '*/*']) {
    const found = ranges.find((range) => range.name === name)
    if (found) return found.ratio
  }
  return undefined
}

/** Whether an `Accept` header takes one of some types. */
export type IsAcceptable = (accept: string) => boolean

/** Decides at boot what an `Accept` header must name; one that names nothing takes everything. Undefined where all do. */
export function compileAcceptable(types: readonly string[]): IsAcceptable | undefined {
  if (types.includes('*/*')) return undefined
  const usual = new Set(['*/*', ...types])
  return (accept) =>
    usual.has(accept) || accept.trim() === '' || types.some((type) => (acceptRatio(accept, type) ?? 0) > 0)
}

interface Range {
  readonly name: string
  readonly ratio: number
}

const weight = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/

function readRange(text: string): Range {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const ratios = parameters.flatMap((parameter) => weight.exec(parameter)?.[1] ?? [])
  return { name, ratio: ratios[0] === undefined ? 1 : Number(ratios[0]) }
}
