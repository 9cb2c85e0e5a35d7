export { observedDialect, type ObservedDialectOptions } from './observed-dialect.ts'
