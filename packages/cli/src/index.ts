export type { FailureCount } from './load/tally.ts'
export type { SampleContext, SampleFunction, SampleOptions, Samples } from './sample/samples.ts'
export type { Cause, CauseName, DrainReport, ServiceReport, TransportReport } from './verify/report.ts'
export type { TimedPhase } from './instance/instance-message.ts'
