import { defineService, text } from '@tenon/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chosenServers } from './chosen-servers.ts'
import { composeEnvironment, describedEnvironment, graceSeconds } from './compose-environment.ts'
import { composed } from './composed-service.test-harness.ts'

describe('what a compose file sets', () => {
  it('is a grace period that the service accepts, and no second longer than it needs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600_000 }), (shutdownTimeoutMs) => {
        const service = composed({ name: 'a', shutdownTimeoutMs })
        const { TENON_KILL_DELAY_MS: given } = composeEnvironment(service, [service], [])
        expect(given?.value).toBe(String(graceSeconds(service.description) * 1_000))
        const kept = defineService({ name: 'a', version: '1.0.0', handlers: [], shutdownTimeoutMs })
        const startWith = (delayMs: number) => kept.describe({ environment: { TENON_KILL_DELAY_MS: String(delayMs) } })
        startWith(Number(given?.value))
        expect(() => startWith(Number(given?.value) - 1_000)).toThrow('does not fit')
      }),
    )
  })

  it('is where servers are, which a description finds as the process would', () => {
    const service = composed({ name: 'a', config: { place: text('DATABASE_URL') } })
    const servers = chosenServers([service], { with: [], without: [] })
    expect(composeEnvironment(service, [service], servers)['DATABASE_URL']?.value).toBe(
      'postgres://tenon:${POSTGRES_PASSWORD:-tenon}@postgres:5432/tenon',
    )
    expect(describedEnvironment(service, [service], servers)).toEqual({
      TENON_HOST: '0.0.0.0',
      TENON_KILL_DELAY_MS: '26000',
      DATABASE_URL: 'postgres://tenon:tenon@postgres:5432/tenon',
    })
  })

  it('is nothing that the file of settings sets', () => {
    const own = { TENON_KILL_DELAY_MS: '60000', NOTE: 'x' }
    const service = composed({ name: 'a' }, own)
    expect(Object.keys(composeEnvironment(service, [service], []))).toEqual(['TENON_HOST'])
    expect(describedEnvironment(service, [service], [])).toEqual({ TENON_HOST: '0.0.0.0', ...own })
  })
})
