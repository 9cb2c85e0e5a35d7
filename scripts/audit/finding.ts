/** What is known against a version that is installed. */
export interface Finding {
  /** By which an answer names it, as `GHSA-…`. */
  readonly id: string
  readonly package: string
  readonly severity: string
  readonly title: string
}

/** The registry cannot be asked, which is no word on what is installed. */
export class NoAudit extends Error {}

/**
 * Reads what `npm audit --json` printed.
 *
 * @throws NoAudit when the registry knows no audit: it answered 404 or 405
 * @throws Error when the report is none
 */
export function toFindings(report: unknown): readonly Finding[] {
  const { statusCode, message, vulnerabilities } = (report ?? {}) as Report
  if (statusCode === 404 || statusCode === 405) throw new NoAudit(`the registry knows no audit: ${message}`)
  if (vulnerabilities === undefined) throw new Error(`npm audit gave no report: ${message ?? JSON.stringify(report)}`)
  const advisories = Object.values(vulnerabilities).flatMap(({ via }) =>
    via.filter((cause) => typeof cause !== 'string'),
  )
  const found = advisories.map(({ url, name, severity, title }): Finding => {
    return { id: url.slice(url.lastIndexOf('/') + 1), package: name, severity, title }
  })
  return [...new Map(found.map((finding) => [`${finding.id} ${finding.package}`, finding])).values()]
}

/** What is wrong with the answers: a finding without one, an answer that says nothing, and one to what is found no more. */
export function answerProblems(
  findings: readonly Finding[],
  answers: Readonly<Record<string, string>>,
): readonly string[] {
  const open = findings
    .filter(({ id }) => !Object.hasOwn(answers, id) || answers[id]?.trim() === '')
    .map((finding) => `${finding.id} is not answered: ${finding.package}, ${finding.severity}, ${finding.title}`)
  const known = new Set(findings.map(({ id }) => id))
  const stale = Object.keys(answers).filter((id) => !known.has(id))
  return [...open, ...stale.map((id) => `${id} is answered, and found no more`)]
}

interface Report {
  readonly statusCode?: number
  readonly message?: string
  readonly vulnerabilities?: Readonly<Record<string, { readonly via: readonly (string | Advisory)[] }>>
}

interface Advisory {
  readonly url: string
  readonly name: string
  readonly severity: string
  readonly title: string
}
