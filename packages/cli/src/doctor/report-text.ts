import type { Terminal } from '../terminal.ts'
import type { Diagnosis } from './diagnose.ts'
import type { Severity } from './finding.ts'

const colours = { error: 'red', warning: 'yellow' } as const

/** A diagnosis for people: each finding with its place, its reason and what to write instead. */
export function reportText({ service, workloads, findings }: Diagnosis, paint: Terminal['paint']): string {
  const shown = findings.map(({ rule, severity, object, path, message, fix }) =>
    [
      `${paint(colours[severity], severity)}  ${paint('bold', rule)}  ${object}${path === '' ? '' : `  ${path}`}`,
      `  ${message}`,
      `  fix: ${fix}`,
      '',
    ].join('\n'),
  )
  const place = `${service} in ${workloads.join(', ')}`
  if (findings.length === 0) return `${paint('green', 'fine')}  ${place}`
  const counts = (['error', 'warning'] as const).flatMap((severity) => countText(severity, findings))
  return [...shown, `${place}: ${counts.join(', ')}`].join('\n')
}

function countText(severity: Severity, findings: Diagnosis['findings']): readonly string[] {
  const count = findings.filter((finding) => finding.severity === severity).length
  return count === 0 ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`]
}
