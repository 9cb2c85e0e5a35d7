import { describe, expect, it } from 'vitest'
import { AdminToken } from './admin-token.ts'
import type { Condition } from '../health/condition.ts'
import { type ProbeAudience, Probes, type ProbeView } from './probes.ts'

const failing = (name: string, affects: Condition['affects'], message = 'no connection'): Condition => ({
  name,
  affects,
  isPassing: false,
  message,
})
const passing = (name: string): Condition => ({ name, affects: 'readiness', isPassing: true, message: undefined })

interface Asked {
  readonly query?: string
  readonly method?: string
  readonly accept?: string
  readonly authorization?: string
  readonly audience?: ProbeAudience
}

function probesOf(view: Partial<ProbeView> = {}, token?: string) {
  const whole = { isAllowed: () => true, conditions: () => [], ...view }
  const probes = new Probes(whole, { token: token === undefined ? undefined : new AdminToken(token) })
  const ask = (name: 'livez' | 'readyz' | 'startupz', asked: Asked = {}) => {
    const { query, method = 'GET', accept, authorization, audience = 'operators' } = asked
    return probes.answer(name, { method, query, headers: { accept, authorization } }, audience)
  }
  const json = (name: 'livez' | 'readyz' | 'startupz', asked: Asked = {}) =>
    JSON.parse(ask(name, asked).body) as unknown
  return { ask, json }
}

describe('a probe', () => {
  it('fails by the checks that affect it, and by no other', () => {
    const table = [
      { affects: 'readiness', livez: 200, readyz: 503, startupz: 200 },
      { affects: 'liveness', livez: 503, readyz: 200, startupz: 200 },
      { affects: 'none', livez: 200, readyz: 200, startupz: 200 },
    ] as const
    for (const { affects, ...expected } of table) {
      const { ask } = probesOf({ conditions: () => [failing('db', affects)] })
      for (const name of ['livez', 'readyz', 'startupz'] as const) expect(ask(name).status, name).toBe(expected[name])
    }
  })

  it('fails when the life of the service says so, whatever is excluded', () => {
    const { ask } = probesOf({ isAllowed: (name) => name === 'livez', conditions: () => [passing('db')] })
    expect(ask('livez').status).toBe(200)
    for (const query of ['', 'exclude=db', 'exclude=readyz']) expect(ask('readyz', { query }).status).toBe(503)
  })

  it('says no more than whether it passes, unless it is asked', () => {
    const { json } = probesOf({ conditions: () => [failing('db', 'readiness')] })
    for (const query of ['', 'a=b', 'verbosely=1', 'exclude=other'])
      expect(json('readyz', { query })).toEqual({ status: 'fail' })
  })

  it('shows every check with what it affects when asked to be verbose', () => {
    const conditions = [passing('db'), failing('worker', 'liveness', 'stands still')]
    const { json } = probesOf({ conditions: () => conditions })
    const shown = [{ name: 'db', affects: 'readiness', isPassing: true }, conditions[1]]
    for (const query of ['verbose', 'verbose=1', 'a=b&verbose'])
      expect(json('readyz', { query })).toEqual({ status: 'pass', checks: shown })
    expect(json('livez', { query: 'verbose' })).toEqual({ status: 'fail', checks: shown })
  })

  it('leaves out the checks that are excluded by name, each of several', () => {
    const conditions = [failing('db', 'readiness'), failing('disk space', 'readiness'), passing('other')]
    const { ask, json } = probesOf({ conditions: () => conditions })
    expect(ask('readyz', { query: 'exclude=db' }).status).toBe(503)
    expect(ask('readyz', { query: 'exclude=db&exclude=disk%20space' }).status).toBe(200)
    expect(ask('readyz', { query: 'exclude=db,disk%20space' }).status).toBe(503)
    expect(json('readyz', { query: 'exclude=db&exclude=disk+space&verbose' })).toMatchObject({
      status: 'pass',
      checks: [{ name: 'db', isExcluded: true }, { name: 'disk space', isExcluded: true }, { name: 'other' }],
    })
  })

  it('passes over a name that no check has, and tells who looks', () => {
    const { ask, json } = probesOf({ conditions: () => [passing('db')] })
    expect(ask('readyz', { query: 'exclude=dbb' }).status).toBe(200)
    expect(json('readyz', { query: 'exclude=dbb&exclude=db&verbose' })).toMatchObject({ unknownExcludes: ['dbb'] })
    const { body } = ask('readyz', { query: 'exclude=a%0Ab&verbose', accept: 'text/plain' })
    expect(body).toBe(
      '[+]db ok (affects readiness)\nno check is named "a\\nb", so none is excluded by it\nreadyz passed\n',
    )
  })

  it('is text for who wants that more than JSON', () => {
    const { ask } = probesOf({ conditions: () => [failing('db', 'readiness')] })
    const table = [
      [undefined, 'application/json'],
      ['*/*', 'application/json'],
      ['text/html,application/xhtml+xml,*/*;q=0.8', 'application/json'],
      ['text/plain;q=0.5, application/json', 'application/json'],
      ['text/plain;q=0, */*', 'application/json'],
      ['text/plain;q=x', 'application/json'],
      ['text/plain', 'text/plain; charset=utf-8'],
      ['text/*', 'text/plain; charset=utf-8'],
      ['TEXT/plain, application/json;q=0.9', 'text/plain; charset=utf-8'],
    ] as const
    for (const [accept, type] of table)
      expect(ask('readyz', accept === undefined ? {} : { accept }).headers['content-type'], accept).toBe(type)
    expect(ask('readyz', { accept: 'text/plain' }).body).toBe('failed\n')
    expect(ask('livez', { accept: 'text/plain' }).body).toBe('ok\n')
  })

  it('tells as text what each check affects, in one line', () => {
    const late: Condition = { ...passing('late'), message: 'one\nrun failed' }
    const conditions = [passing('db'), late, failing('disk', 'readiness', 'full'), failing('loop', 'none', 'busy')]
    const { ask } = probesOf({ conditions: () => [...conditions, failing('off', 'readiness')] })
    expect(ask('readyz', { query: 'verbose&exclude=off', accept: 'text/plain' }).body).toBe(
      [
        '[+]db ok (affects readiness)',
        '[+]late ok (affects readiness): one run failed',
        '[-]disk failed (affects readiness): full',
        '[-]loop failed (affects nothing): busy',
        '[+]off excluded (affects readiness)',
        'readyz failed',
        '',
      ].join('\n'),
    )
  })

  it('is never kept, and answers GET and HEAD only', () => {
    const { ask } = probesOf()
    for (const method of ['GET', 'HEAD']) expect(ask('livez', { method }).headers['cache-control']).toBe('no-store')
    for (const method of ['POST', 'OPTIONS', 'TRACE'])
      expect(ask('livez', { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  })
})

describe('details of a probe', () => {
  const secret = 'open-sesame-12345'
  const conditions = () => [failing('db', 'readiness')]

  it('are shown to nobody who calls the service, where there is no token', () => {
    const { ask, json } = probesOf({ conditions })
    const shown = json('readyz', { query: 'verbose', audience: 'callers' })
    expect(shown).toEqual({ status: 'fail', withheld: expect.stringContaining('admin.token') as string })
    const { body } = ask('livez', { query: 'verbose', audience: 'callers', accept: 'text/plain' })
    expect(body).toMatch(/^ok\ndetails are told to who sends the token/)
  })

  it.each(['operators', 'callers'] as const)(
    'are shown to %s with the token only, and change no status',
    (audience) => {
      const { ask, json } = probesOf({ conditions }, secret)
      const query = 'verbose'
      for (const authorization of ['', 'Bearer', `Bearer ${secret}x`, secret])
        expect(json('readyz', { query, audience, authorization })).toMatchObject({
          status: 'fail',
          withheld: expect.any(String) as string,
        })
      expect(ask('livez', { query, audience }).status).toBe(200)
      const shown = json('readyz', { query, audience, authorization: `Bearer ${secret}` })
      expect(shown).toMatchObject({ status: 'fail', checks: [{ name: 'db', message: 'no connection' }] })
    },
  )
})
