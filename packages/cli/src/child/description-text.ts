import type { ServiceDescription } from '@tenon/core'
import { aligned } from '../command/help.ts'
import type { Terminal } from '../terminal.ts'

/** A service for people: what it offers, consumes, needs and is configured with. */
export function descriptionText(service: ServiceDescription, paint: Terminal['paint']): string {
  const section = (title: string, rows: readonly (readonly string[])[]) =>
    rows.length === 0 ? [] : ['', paint('bold', title), ...aligned(rows)]
  const { shutdownTimeoutMs, deregisterDelayMs } = service.limits
  return [
    `${paint('bold', service.name)} ${service.version}`,
    ...section('operations', service.operations.map(operationRow)),
    ...section(
      'consumers',
      service.consumers.map(({ topic, group, handler, member }) => [
        topic,
        group ?? 'broadcast',
        `${handler}.${member}`,
      ]),
    ),
    ...section(
      'providers',
      service.providers.map(({ name, needs, isChecked }) => [
        name,
        [...(needs.length > 0 ? [`needs ${needs.join(', ')}`] : []), ...(isChecked ? ['checked'] : [])].join('; '),
      ]),
    ),
    ...section(
      'remotes',
      service.remotes.map(({ contract, transport, address }) => [contract, transport, address]),
    ),
    ...section('transports', service.transports.map(transportRow)),
    ...section('settings', service.settings.map(settingRow)),
    ...section('shutdown', [
      ['shutdownTimeoutMs', String(shutdownTimeoutMs)],
      ['deregisterDelayMs', String(deregisterDelayMs)],
    ]),
  ].join('\n')
}

function operationRow(operation: ServiceDescription['operations'][number]): readonly string[] {
  const { id, kind, route, command, transports } = operation
  return [id, kind, transports.join(', '), route ?? '', command ? `topic ${command.topic}` : ''].filter(
    (text) => text !== '',
  )
}

function transportRow({ name, topics }: ServiceDescription['transports'][number]): readonly string[] {
  return [name, topics ? `topics ${topics.join(', ')}` : '']
}

function settingRow(setting: ServiceDescription['settings'][number]): readonly string[] {
  const { variable, expected, isRequired, fallback } = setting
  const value = isRequired ? 'required' : fallback === undefined ? 'optional' : `default ${JSON.stringify(fallback)}`
  return [variable, `${expected}; ${value}`]
}
