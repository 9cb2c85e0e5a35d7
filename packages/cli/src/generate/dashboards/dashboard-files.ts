import type { ServiceDescription } from '@tenon/core'
import { type GeneratedFile, markOf } from '../generated-file.ts'
import { alertRulesText } from './alert-rules.ts'
import { boardsOf } from './boards.ts'
import { boardText } from './grafana.ts'

export interface DashboardOptions {
  /**
   * Which series are the service's, as matchers of Prometheus.
   *
   * @defaultValue the job `<name>`, as OTLP has it, also behind a namespace and `/`, or `<name>-metrics`, as a ServiceMonitor of `tenon generate kubernetes` has it
   */
  readonly selector?: string | undefined
  /** The part of the calls that must not fail by the service's own fault, in percent. @defaultValue 99.9 @remarks Range above 0, below 100 */
  readonly percent?: number | undefined
}

/** Dashboards for Grafana and rules for Prometheus, for what a service is made of. The same description gives the same text. */
export function dashboardFiles(
  service: ServiceDescription,
  { selector = `job=~"(.+/)?${service.name}(-metrics)?"`, percent = 99.9 }: DashboardOptions,
): readonly GeneratedFile[] {
  const mark = markOf('dashboards', service.name)
  const place = { service: service.name, mark }
  return [
    ...boardsOf(service, selector).map((board) => ({
      path: `grafana/${service.name}-${board.kind}.json`,
      text: boardText(board, place),
    })),
    {
      path: `prometheus/${service.name}.rules.yaml`,
      text: alertRulesText(service, { service: service.name, selector, percent }, mark),
    },
  ]
}
