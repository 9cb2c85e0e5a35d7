/** When and how an operation goes out of use. */
export interface DeprecationSpec {
  /** Since when it is deprecated, or will be: an ISO 8601 date and time with its offset, `2026-01-01T00:00:00Z`. */
  readonly at?: string
  /** From when it may no longer answer, not before `at`; the same form. */
  readonly sunset?: string
  /** Absolute URL of a page that says what to use instead. */
  readonly link?: string
}

/** When and how an operation goes out of use, taken apart. */
export interface Deprecation {
  /** Epoch ms. */
  readonly deprecatedAt: number | undefined
  /** Epoch ms. */
  readonly sunsetAt: number | undefined
  readonly link: string | undefined
}

export interface ReadDeprecation {
  readonly deprecation: Deprecation | undefined
  /** What is wrong with it, without the operation's name. */
  readonly problems: readonly string[]
}

/** Takes apart what a contract says of an operation's end; undefined for one that is not deprecated. */
export function readDeprecation(spec: boolean | DeprecationSpec | undefined): ReadDeprecation {
  if (spec === undefined || spec === false) return { deprecation: undefined, problems: [] }
  if (spec === true) return { deprecation: nothingMore, problems: [] }
  if (typeof spec !== 'object' || spec === null)
    return { deprecation: undefined, problems: [`deprecated must be true, false or { at, sunset, link }`] }
  const strays = Object.keys(spec).filter((key) => !known.has(key))
  const deprecatedAt = toTime(spec.at)
  const sunsetAt = toTime(spec.sunset)
  const problems = [
    ...strays.map((key) => `deprecated: "${key}" is no setting; expected ${[...known].join(', ')}`),
    ...(Number.isNaN(deprecatedAt) ? [timeProblem('at', spec.at)] : []),
    ...(Number.isNaN(sunsetAt) ? [timeProblem('sunset', spec.sunset)] : []),
    ...(spec.link !== undefined && !isAbsoluteUrl(spec.link)
      ? [`deprecated.link must be an absolute URL, found ${JSON.stringify(spec.link)}`]
      : []),
    ...(deprecatedAt !== undefined && sunsetAt !== undefined && sunsetAt < deprecatedAt
      ? [`deprecated.sunset must not be before deprecated.at, found ${spec.sunset} and ${spec.at}`]
      : []),
  ]
  return { deprecation: Object.freeze({ deprecatedAt, sunsetAt, link: spec.link }), problems }
}

const nothingMore: Deprecation = Object.freeze({ deprecatedAt: undefined, sunsetAt: undefined, link: undefined })
const known: ReadonlySet<string> = new Set(['at', 'sunset', 'link'])

/** @see RFC 3339 section 5.6 */
const dateTimeForm = /^\d{4}-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

/** Epoch ms; not a number for text that is no date and time. */
function toTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const match = dateTimeForm.exec(text)
  if (match === null) return Number.NaN
  // The 31st of February would be read as a day in March.
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`)
  return day.getUTCDate() === Number(match[2]) ? Date.parse(text) : Number.NaN
}

function timeProblem(name: string, found: unknown): string {
  return `deprecated.${name} must be a date and time such as 2026-01-01T00:00:00Z, found ${JSON.stringify(found)}`
}

/** Without what would end the link in a header. @see RFC 8288 section 3 */
function isAbsoluteUrl(text: string): boolean {
  return /^https?:\/\/[^\s<>"]+$/.test(text) && URL.canParse(text)
}
