import { counter } from './instrument.ts'

/** A new value of a setting that could not be used. */
export interface RefusedValue {
  readonly service: string
  readonly variable: string
}

/** Counts a value that was refused. */
export function recordRefused({ service, variable }: RefusedValue): void {
  counter('tenon.config.refused_values').add(1, { 'tenon.service': service, 'tenon.config.variable': variable })
}
