import type { ServiceDescription } from '@tenon/core'
import { yamlText } from '../yaml-text.ts'
import { burnRateRules, type Objective } from './burn-rate.ts'
import { callKindsOf, failed } from './call-kind.ts'
import { hasRisen, series } from './promql.ts'

/** The rules of a service as a file of Prometheus: its objective, and what somebody should look at. */
export function alertRulesText(service: ServiceDescription, objective: Objective, mark: string): string {
  const burns = burnRateRules(callKindsOf(service), objective)
  const groups = [
    ...(burns.length === 0 ? [] : [{ name: `tenon-${service.name}-objective`, rules: burns }]),
    { name: `tenon-${service.name}`, rules: stateRules(service, objective.selector).map(toRule(service.name)) },
  ]
  return yamlText([{ groups }], { head: [mark, 'Thresholds without another source are guesses.'], notes: 'above' })
}

interface StateRule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly severity: 'page' | 'ticket'
  readonly summary: string
}

function toRule(service: string) {
  return ({ alert, expr, for: duration, severity, summary }: StateRule): object => ({
    alert,
    expr,
    for: duration,
    labels: { severity, service },
    annotations: { summary: `${service}: ${summary}` },
  })
}

function stateRules(service: ServiceDescription, selector: string): readonly StateRule[] {
  const hasMessages = callKindsOf(service).some(({ isAnswered }) => !isAnswered)
  return [
    ...(hasMessages ? queueRules(selector) : []),
    ...(service.remotes.length > 0 ? [breakerRule(selector)] : []),
    ...(service.limits.overload ? [overloadRule(selector)] : []),
    ...processRules(selector),
  ]
}

function queueRules(selector: string): readonly StateRule[] {
  const labels = ['messaging_destination_name', 'messaging_consumer_group_name']
  const group = labels.join(', ')
  const where = '{{ $labels.messaging_destination_name }}'
  return [
    {
      alert: 'TenonMessagesWait',
      expr: `max by (${group}) (${series('tenon.queue.oldest_message.age', { selector })}) > 300`,
      for: '5m',
      severity: 'page',
      summary: `a message of ${where} has waited for more than 5 min`,
    },
    {
      alert: 'TenonDeadLetters',
      expr: hasRisen('tenon.queue.dead_letters', { selector }, { by: labels, window: '15m' }),
      for: '0m',
      severity: 'ticket',
      summary: `messages of ${where} became dead letters`,
    },
    {
      alert: 'TenonMessagesHalted',
      expr: `sum by (${group}) (${series('tenon.queue.halted_messages', { selector })}) > 0`,
      for: '0m',
      severity: 'ticket',
      summary: `messages of ${where} are halted until they are given attempts anew`,
    },
    {
      alert: 'TenonPartitionsStandStill',
      expr: `sum by (${group}) (${series('tenon.queue.stalled_partitions', { selector })}) > 0`,
      for: '2m',
      severity: 'page',
      summary: `partitions of ${where} stand still`,
    },
  ]
}

function breakerRule(selector: string): StateRule {
  return {
    alert: 'TenonBreakerOpen',
    expr: `sum by (tenon_client_contract) (${series('tenon.client.open_breakers', { selector })}) > 0`,
    for: '5m',
    severity: 'ticket',
    summary: 'calls of {{ $labels.tenon_client_contract }} are refused, as it fails',
  }
}

function overloadRule(selector: string): StateRule {
  return {
    alert: 'TenonRefusesCalls',
    expr: `sum (rate(${series('tenon.overload.refused_calls', { selector })}[5m])) > 0`,
    for: '10m',
    severity: 'ticket',
    summary: 'calls are refused because there are more than it can do',
  }
}

function processRules(selector: string): readonly StateRule[] {
  const used = `sum by (instance) (${series('v8js.memory.heap.used', { selector })})`
  const limit = `min by (instance) (${series('tenon.runtime.heap_limit', { selector })})`
  const failures = { selector, where: failed }
  return [
    {
      alert: 'TenonHeapNearlyFull',
      expr: `${used} / ${limit} > 0.9`,
      for: '10m',
      severity: 'page',
      summary: 'the heap of {{ $labels.instance }} is nearly full, and the process ends when it is',
    },
    {
      alert: 'TenonEventLoopBusy',
      expr: `max by (instance) (${series('nodejs.eventloop.utilization', { selector })}) > 0.95`,
      for: '10m',
      severity: 'ticket',
      summary: 'the event loop of {{ $labels.instance }} does nothing else than compute',
    },
    {
      alert: 'TenonPhaseFailed',
      expr: hasRisen('tenon.lifecycle.phase.duration', failures, { by: ['tenon_lifecycle_phase'], window: '15m' }),
      for: '0m',
      severity: 'ticket',
      summary: 'the phase "{{ $labels.tenon_lifecycle_phase }}" of a start or a stop failed',
    },
  ]
}
