export { observability } from './observability.ts'
export { observabilityDefaults, type ObservabilityOptions } from './setting/observability-options.ts'
