import type { ServiceDescription } from '@tenon/core'
import { aligned } from '../command/help.ts'
import type { Terminal } from '../terminal.ts'

/** A service for people: what it offers, consumes, needs, looks at, does by itself and is configured with. */
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
      'schedules',
      service.schedules.map(({ name, timing, overlap, handler, member }) => [
        name,
        timing,
        `overlap ${overlap}`,
        `${handler}.${member}`,
      ]),
    ),
    ...section(
      'background tasks',
      service.tasks.map(({ name, needs, restart, maxRestartCount }) => [
        name,
        `restart ${restart}${maxRestartCount === undefined ? '' : `, ${maxRestartCount} in a row at most`}`,
        needs.length > 0 ? `needs ${needs.join(', ')}` : '',
      ]),
    ),
    ...section(
      'providers',
      service.providers.map(({ name, needs, isChecked, connectsTo }) => [
        name,
        [
          ...needsText(needs),
          ...(isChecked ? ['checked'] : []),
          ...(connectsTo ? [`connects to ${connectsTo.join(', ')}`] : []),
        ].join('; '),
      ]),
    ),
    ...section(
      'remotes',
      service.remotes.map(({ contract, transport, address }) => [contract, transport, address]),
    ),
    ...section('checks', service.checks.map(checkRow)),
    ...section('hooks', service.hooks.map(hookRow)),
    ...section('transports', service.transports.map(transportRow)),
    ...section('settings', service.settings.map(settingRow)),
    ...section('sources of settings', service.configSources?.map(sourceRow) ?? []),
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

function checkRow({ name, affects, intervalMs, needs }: ServiceDescription['checks'][number]): readonly string[] {
  return [name, affects, [`every ${intervalMs} ms`, ...needsText(needs)].join('; ')]
}

function hookRow({ name, point, needs, timeoutMs }: ServiceDescription['hooks'][number]): readonly string[] {
  const limit = timeoutMs === undefined ? [] : [`at most ${timeoutMs} ms`]
  return [name, point, [...needsText(needs), ...limit].join('; ')]
}

function needsText(needs: readonly string[]): readonly string[] {
  return needs.length > 0 ? [`needs ${needs.join(', ')}`] : []
}

function transportRow(transport: ServiceDescription['transports'][number]): readonly string[] {
  const { name, topics, listensAt = [], connectsTo = [] } = transport
  const texts = [
    ...listensAt.map(({ host, port }) => `listens at ${port === 0 ? host : `${host}:${port}`}`),
    ...(connectsTo.length > 0 ? [`connects to ${connectsTo.join(', ')}`] : []),
    ...(topics ? [`topics ${topics.join(', ')}`] : []),
  ]
  return [name, texts.join('; ')]
}

function sourceRow(source: NonNullable<ServiceDescription['configSources']>[number]): readonly string[] {
  const { name, isRequired, connectsTo = [] } = source
  const texts = [isRequired ? 'required' : 'not required', ...connectsTo.map((place) => `connects to ${place}`)]
  return [name, texts.join('; ')]
}

function settingRow(setting: ServiceDescription['settings'][number]): readonly string[] {
  const { variable, expected, isRequired, fallback } = setting
  const value = isRequired ? 'required' : fallback === undefined ? 'optional' : `default ${JSON.stringify(fallback)}`
  return [variable, `${expected}; ${value}`]
}
