import { describedService } from '../child/described-service.ts'
import { diagnose } from '../doctor/diagnose.ts'
import { liveManifests, type ReadManifests, readManifests } from '../doctor/manifest/read-manifests.ts'
import { reportText } from '../doctor/report-text.ts'
import { type Command, UsageError } from './command.ts'
import type { ParsedArguments } from './parse-arguments.ts'

export const doctorCommand: Command = {
  usage: 'doctor <service.ts> <file or folder>…',
  summary:
    'Compares manifests of Kubernetes with the code of a service, and tells what is wrong, why, and what to write.',
  options: {
    live: { type: 'boolean', about: 'compares with what runs in a cluster, asked by kubectl, and not with files' },
    namespace: {
      type: 'string',
      value: '<name>',
      about: 'with --live: where it runs; that of the context unless given',
    },
    context: { type: 'string', value: '<name>', about: 'with --live: which cluster; that of kubectl unless given' },
    container: {
      type: 'string',
      value: '<name>',
      about: 'of the service; found by its name or its image unless given',
    },
    workload: {
      type: 'string',
      value: '<name>',
      about: 'that runs the service; found by its container and by names unless given',
    },
    export: { type: 'string', value: '<name>', about: 'which service of the file; the only one unless given' },
    strict: { type: 'boolean', about: 'exits with 1 for warnings too' },
    json: { type: 'boolean', about: 'prints what was found as JSON' },
  },
  notes: [
    'A folder with a kustomization is built by kubectl; - reads standard input: helm template … | tenon doctor service.ts -',
    'A Dockerfile among the files tells what the image sets.',
  ],
  run: async (given, surroundings) => {
    const { terminal } = surroundings
    const [file, ...places] = given.positionals
    if (file === undefined) throw new UsageError('expected the file of a service, found none')
    const comparand = await read(given, places)
    const place = { file, exportName: given.text('export') }
    const diagnosis = await diagnose({
      ...comparand,
      describe: (environment) => describedService({ ...place, environment }, surroundings),
      containerName: given.text('container'),
      workloadName: given.text('workload'),
    })
    const ok = !diagnosis.findings.some(({ severity }) => severity === 'error' || given.isSet('strict'))
    terminal.print(given.isSet('json') ? JSON.stringify({ ok, ...diagnosis }) : reportText(diagnosis, terminal.paint))
    return ok ? 0 : 1
  },
}

/** @throws UsageError */
async function read(
  given: ParsedArguments,
  places: readonly string[],
): Promise<ReadManifests & { readonly isLive: boolean }> {
  const [namespace, context] = [given.text('namespace'), given.text('context')]
  if (given.isSet('live')) {
    if (places.length > 0) throw new UsageError(`--live takes no files, found ${places.join(' ')}`)
    return { manifests: await liveManifests({ namespace, context }), imageVariables: new Map(), isLive: true }
  }
  if (namespace !== undefined || context !== undefined) throw new UsageError('--namespace and --context are for --live')
  if (places.length === 0)
    throw new UsageError('expected one or more files or folders of manifests, or --live; found none')
  return { ...(await readManifests(places)), isLive: false }
}
