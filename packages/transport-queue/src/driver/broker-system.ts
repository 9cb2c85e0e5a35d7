import type { QueueDriver } from '../queue-driver.ts'

/** What OpenTelemetry's conventions call the broker of a driver. */
export function systemOf({ name, system = name }: Pick<QueueDriver, 'name' | 'system'>): string {
  return system
}
