/** What can be wrong with how a service is put together, and what to do about it. `docs/error.md` is generated from it. */
export const setupErrorCodes = {
  'config.missing': 'A required setting has no value: set the environment variable that the message names.',
  'config.malformed': 'A setting cannot be read as its type: the message shows what was expected and what was found.',
  'config.out_of_range': 'A setting lies outside its range: the message shows the range.',
  'config.source_unavailable':
    'A source of settings could not be read in time: the message names it and what kept it; make it reachable, or let the service start without it.',
  'config.package': 'An option needs a package that is not installed: the message shows the command that installs it.',
  'contract.name': 'A contract, operation or topic name has the wrong form.',
  'contract.route': 'An HTTP route cannot be read, or names a parameter that is no field of the input.',
  'contract.schema':
    'A schema cannot be used: it has no JSON Schema, a default in it does not fit, or a transport cannot express it.',
  'contract.queue': 'A queue binding or event names a key that is no text field of its payload.',
  'contract.setting': 'A setting of an operation is outside its range.',
  'contract.proto':
    'The `.proto` file of a contract is not there, cannot be read, or does not allow what the contract has become.',
  'handler.missing_operation': 'A handler class leaves out an operation of a contract it handles.',
  'handler.duplicate_operation': 'An operation has more than one implementation.',
  'handler.unknown_operation': 'A handler implements an operation of a contract that it does not handle.',
  'handler.member': 'A decorator stands on a static, private or computed member, where no call could reach it.',
  'wiring.missing_provider': 'Something is injected that nothing provides: add a provider for it.',
  'wiring.duplicate_provider': 'Two providers make the same thing.',
  'wiring.duplicate_transport': 'Two transports of a service have the same name.',
  'wiring.cycle': 'Providers need one another in a circle.',
  'wiring.hidden_injection':
    'Something is injected that could not be found out beforehand: inject it in a field, under no condition.',
  'wiring.outside_construction':
    '`inject()` was called where nothing is constructed: call it in a field or a constructor of a handler, or of a class that is injected.',
  'wiring.create_failed': "A provider, the constructor of a handler, or a function of the service's options failed.",
  'wiring.access':
    'An access rule, or a transport that asks who sends an event, needs a caller identity, but the service has no authenticator.',
  'wiring.unreachable': 'An operation or event is carried by no transport of the service.',
  'wiring.ambiguous_topic':
    'A topic is carried by several transports of the service, so that each would handle its messages.',
  'wiring.route_conflict': 'Two operations claim the same route.',
  'wiring.consumer_conflict': 'Two handlers consume the same topic in the same group.',
  'wiring.consumer_group': 'A consumer group has no name.',
  'wiring.schedule': 'A schedule cannot run: its moments cannot be read, or another one has its name.',
  'wiring.undefined':
    'An entry of `handlers`, `providers`, `transports`, `remotes`, `checks` or `background` is undefined, as a circle of imports leaves it; or an interceptor or `authenticate` is no function.',
  'wiring.interceptor': 'An interceptor does not keep to its contract.',
  'service.state': 'The service is in a state that does not allow this.',
  'service.stopped': 'The service was asked to stop before it was ready.',
  'service.listen_failed': 'A server could not listen at its address.',
  'service.announce_failed': 'The registry did not take the instance; what had started was undone.',
  'service.taken_over':
    'Another process has announced an instance of the same id: give every copy that runs an id of its own (TENON_INSTANCE_ID).',
  'service.transport_failed': 'A transport could not go on; the service stops.',
  'service.phase_timed_out':
    'A phase did not end in its time: a start was undone then, a shutdown went on with the phases after it.',
  'service.task_failed': 'A background task failed while it ended, or did not end in its time.',
  'service.hook_failed': 'A hook of the service threw, or did not end in its time.',
} as const satisfies Readonly<Record<`${string}.${string}`, string>>

/** The stable code of a set-up error. */
export type SetupErrorCode = keyof typeof setupErrorCodes
