import { describedService } from '../child/described-service.ts'
import { dashboardFiles } from '../generate/dashboards/dashboard-files.ts'
import { firstDescription } from '../generate/first-description.ts'
import { markOf } from '../generate/generated-file.ts'
import { writeFiles } from '../generate/write-files.ts'
import { type Command, UsageError } from './command.ts'
import { generateChoices, generateOptions } from './generate-options.ts'
import type { ParsedArguments } from './parse-arguments.ts'

export const generateDashboardsCommand: Command = {
  usage: 'generate dashboards <service.ts>',
  summary: 'Writes dashboards for Grafana and alert rules for Prometheus, for what the service is made of.',
  options: {
    ...generateOptions,
    selector: { type: 'string', value: '<matchers>', about: 'which series are its own; default: its name as job' },
    objective: {
      type: 'string',
      value: '<percent>',
      about: 'part of the calls that must not fail by its own fault; default: 99.9',
    },
  },
  notes: ['default --out: deploy/dashboards. Names are those that OpenTelemetry’s metrics get in Prometheus.'],
  run: async (given, surroundings) => {
    const file = given.only('file of a service')
    const { out, exportName, given: settings, ...choices } = generateChoices(given)
    const options = { selector: given.text('selector'), percent: percentOf(given) }
    const service = await firstDescription({
      describe: (environment) => describedService({ file, exportName, environment }, surroundings),
      given: settings,
    })
    const outFolder = out ?? 'deploy/dashboards'
    const mark = markOf('dashboards', service.name)
    const notes = [`promtool check rules ${outFolder}/prometheus/*.rules.yaml`]
    const { terminal } = surroundings
    return writeFiles(dashboardFiles(service, options), { outFolder, mark, notes, terminal, ...choices })
  },
}

/** @throws UsageError */
function percentOf(given: ParsedArguments): number | undefined {
  const text = given.text('objective')
  if (text === undefined) return undefined
  const percent = Number(text)
  if (percent > 0 && percent < 100) return percent
  throw new UsageError(`--objective: expected a number above 0 and below 100, found ${JSON.stringify(text)}`)
}
