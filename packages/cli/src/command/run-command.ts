import { type Command, type ExitCode, FaultError, type Surroundings, UsageError } from './command.ts'
import { helpOf, type ListedCommand, overview } from './help.ts'
import { parseArguments } from './parse-arguments.ts'

/** Each command is loaded when it is asked for: a probe must not pay for the others. */
const commands: Readonly<Record<string, ListedCommand & { load(): Promise<Command> }>> = {
  check: {
    usage: 'check <service.ts>',
    summary: 'tells everything that would keep a service from starting; nothing listens',
    load: async () => (await import('./check.ts')).checkCommand,
  },
  describe: {
    usage: 'describe <service.ts>',
    summary: 'shows what a service is made of: operations, routes, topics, providers, settings',
    load: async () => (await import('./describe.ts')).describeCommand,
  },
  probe: {
    usage: 'probe live|ready|startup',
    summary: 'asks a running service how it is, for images without a shell or an HTTP client',
    load: async () => (await import('./probe.ts')).probeCommand,
  },
  'generate docker': {
    usage: 'generate docker <service.ts>',
    summary: 'writes the Dockerfile of a service, and tells how large an image is',
    load: async () => (await import('./generate-docker.ts')).generateDockerCommand,
  },
  'generate kubernetes': {
    usage: 'generate kubernetes <service.ts>',
    summary: 'writes the manifests of a service for kustomize, each number with where it comes from',
    load: async () => (await import('./generate-kubernetes.ts')).generateKubernetesCommand,
  },
  'generate compose': {
    usage: 'generate compose <service.ts>…',
    summary: 'writes a compose.yaml for a laptop, with the servers that the services need',
    load: async () => (await import('./generate-compose.ts')).generateComposeCommand,
  },
  'generate dashboards': {
    usage: 'generate dashboards <service.ts>',
    summary: 'writes dashboards for Grafana and alert rules for Prometheus',
    load: async () => (await import('./generate-dashboards.ts')).generateDashboardsCommand,
  },
  doctor: {
    usage: 'doctor <service.ts> <file or folder>…',
    summary: 'compares manifests of Kubernetes with the code, and tells what is wrong and what to write',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  'verify drain': {
    usage: 'verify drain <service.ts>…',
    summary: 'restarts services under load, and says what became of every call and message',
    load: async () => (await import('./verify-drain.ts')).verifyDrainCommand,
  },
}

/** Runs `tenon` with arguments; never rejects for what its user can mend. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { terminal } = surroundings
  try {
    return await findAndRun(args, surroundings)
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof FaultError)) throw error
    if (args.includes('--json')) terminal.print(JSON.stringify({ error: error.message }))
    terminal.complain(`tenon: ${error.message}`)
    return error instanceof FaultError ? 1 : 2
  }
}

async function findAndRun(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { terminal } = surroundings
  const [first] = args
  if (first === undefined || first === '--help' || first === '-h' || (first === 'help' && args.length === 1)) {
    terminal.print(overview(Object.values(commands), terminal.paint))
    return first === undefined ? 2 : 0
  }
  const isHelp = first === 'help'
  const { command, rest } = await findCommand(isHelp ? args.slice(1) : args)
  if (isHelp || rest.includes('--help') || rest.includes('-h')) {
    terminal.print(helpOf(command, terminal.paint))
    return 0
  }
  return command.run(parseArguments(rest, command.options), surroundings)
}

/** The command whose words the arguments begin with. @throws UsageError */
async function findCommand(
  args: readonly string[],
): Promise<{ readonly command: Command; readonly rest: readonly string[] }> {
  const name = Object.keys(commands).find((known) => known.split(' ').every((word, index) => args[index] === word))
  const found = name === undefined ? undefined : commands[name]
  if (name === undefined || found === undefined)
    throw new UsageError(
      `expected a command (${Object.keys(commands).join(', ')}), found "${args.slice(0, 2).join(' ')}"; see tenon help`,
    )
  return { command: await found.load(), rest: args.slice(name.split(' ').length) }
}
