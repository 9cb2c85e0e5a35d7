import type { ProbeName, ProbeReply, ProbeRequest } from '../../transport/probe.ts'
import type { AdminToken } from './admin-token.ts'
import type { Condition } from '../health/condition.ts'

/** What the probes read; all of it is state that is already there. */
export interface ProbeView {
  /** Whether the life of the service allows the probe to pass, whatever its conditions say. */
  readonly isAllowed: (name: ProbeName) => boolean
  /** What decides on a probe, or is shown by it. */
  readonly conditions: (name: ProbeName) => readonly Condition[]
}

export interface ProbesOptions {
  /** Who has it may see details everywhere. Undefined where nobody is asked for one. */
  readonly token: AdminToken | undefined
}

/** Who may read an answer: operators at a port of their own, or everybody who calls the service. */
export type ProbeAudience = 'operators' | 'callers'

/** Answers probes, wherever they are asked. */
export class Probes {
  readonly #view: ProbeView
  readonly #token: AdminToken | undefined

  constructor(view: ProbeView, { token }: ProbesOptions) {
    this.#view = view
    this.#token = token
  }

  /** Its status depends on nobody's token: a probe that lost it must not end the process. */
  answer(name: ProbeName, request: ProbeRequest, audience: ProbeAudience): ProbeReply {
    const { method, query, headers } = request
    if (method !== 'GET' && method !== 'HEAD') return methodRefused
    const parameters = new URLSearchParams(query)
    const excluded = new Set(parameters.getAll('exclude'))
    const conditions = this.#view.conditions(name)
    const isPassing =
      this.#view.isAllowed(name) &&
      conditions.every((one) => one.isPassing || excluded.has(one.name) || one.affects !== effects[name])
    const asksDetails = parameters.has('verbose')
    const showsDetails = asksDetails && this.maySee(headers.authorization, audience)
    const report: Report = {
      name,
      status: isPassing ? 'pass' : 'fail',
      ...(showsDetails && { conditions, excluded }),
      isWithheld: asksDetails && !showsDetails,
    }
    const isText = prefersText(headers.accept)
    return {
      status: isPassing ? 200 : 503,
      headers: headersOf(isText ? 'text/plain; charset=utf-8' : 'application/json'),
      body: isText ? toText(report) : `${JSON.stringify(toJson(report))}\n`,
    }
  }

  /** Whether who asks may see details. */
  maySee(authorization: string | undefined, audience: ProbeAudience): boolean {
    if (this.#token === undefined) return audience === 'operators'
    return this.#token.isIn(authorization)
  }

  /** Whether who asks shows the token; false where there is none. */
  hasToken(authorization: string | undefined): boolean {
    return this.#token?.isIn(authorization) === true
  }
}

/** What a condition must affect to count for a probe. A service that has started once has, whatever its checks say. */
const effects = { livez: 'liveness', readyz: 'readiness', startupz: undefined } as const

interface Report {
  readonly name: ProbeName
  readonly status: 'pass' | 'fail'
  readonly conditions?: readonly Condition[]
  /** Names that were asked to be left out. */
  readonly excluded?: ReadonlySet<string>
  /** Details were asked for by somebody who may not see them. */
  readonly isWithheld: boolean
}

interface ShownCondition extends Condition {
  readonly isExcluded: boolean
}

const withheld = 'details are told to who sends the token of admin.token: Authorization: Bearer …'

function toJson({ status, conditions, excluded = new Set(), isWithheld }: Report): object {
  if (isWithheld) return { status, withheld }
  if (conditions === undefined) return { status }
  const unknown = unknownOf(conditions, excluded)
  return {
    status,
    checks: conditions.map((one) => ({ ...one, ...(excluded.has(one.name) && { isExcluded: true }) })),
    ...(unknown.length > 0 && { unknownExcludes: unknown }),
  }
}

function toText({ name, status, conditions, excluded = new Set(), isWithheld }: Report): string {
  const isPassing = status === 'pass'
  if (isWithheld) return `${isPassing ? 'ok' : 'failed'}\n${withheld}\n`
  if (conditions === undefined) return isPassing ? 'ok\n' : 'failed\n'
  return [
    ...conditions.map((one) => toLine({ ...one, isExcluded: excluded.has(one.name) })),
    ...unknownOf(conditions, excluded).map(
      (unknown) => `no check is named ${JSON.stringify(unknown)}, so none is excluded by it`,
    ),
    `${name} ${isPassing ? 'passed' : 'failed'}`,
    '',
  ].join('\n')
}

/** As the API server of Kubernetes marks them, for tools that read that. */
function toLine({ name, affects, isPassing, message, isExcluded }: ShownCondition): string {
  const affected = `(affects ${affects === 'none' ? 'nothing' : affects})`
  if (isExcluded) return `[+]${name} excluded ${affected}`
  const told = message === undefined ? '' : `: ${message.replaceAll(/\s+/g, ' ')}`
  return isPassing ? `[+]${name} ok ${affected}${told}` : `[-]${name} failed ${affected}${told}`
}

/** A name that fits nothing is told to who looks, and fails no probe, as the API server of Kubernetes does it. */
function unknownOf(conditions: readonly Condition[], excluded: ReadonlySet<string>): readonly string[] {
  const names = new Set(conditions.map(({ name }) => name))
  return [...excluded].filter((name) => !names.has(name))
}

const methodRefused: ProbeReply = Object.freeze({
  status: 405,
  headers: { ...headersOf('application/json'), allow: 'GET, HEAD' },
  body: '{"allow":"GET, HEAD"}\n',
})

function headersOf(type: string): Readonly<Record<string, string>> {
  return { 'content-type': type, 'cache-control': 'no-store' }
}

/** JSON unless text is wanted more. @see RFC 9110 section 12.5.1 */
function prefersText(accept: string | undefined): boolean {
  if (accept === undefined) return false
  return qualityOf('text/plain', accept) > qualityOf('application/json', accept)
}

/** Of the most specific range that matches. */
function qualityOf(type: string, accept: string): number {
  const [group] = type.split('/')
  const ranges = new Map(
    accept.split(',').map((range) => {
      const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
      const given = parameters.find((parameter) => parameter.startsWith('q='))
      const quality = given === undefined ? 1 : Number(given.slice(2))
      return [name, Number.isNaN(quality) ? 0 : quality] as const
    }),
  )
  return ranges.get(type) ?? ranges.get(`${group}/*`) ?? ranges.get('*/*') ?? 0
}
