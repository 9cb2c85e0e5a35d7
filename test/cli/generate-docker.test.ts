import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { fixture, tenon } from './tenon.ts'

/** Of the examples. */
const folder = 'examples/user-order/deploy/docker'
const fileOf = (service: string) => `examples/user-order/${service}/src/service.ts`

describe('tenon generate docker', () => {
  test.each(['user', 'order'])('the files of the example are up to date: %s', async (service) => {
    const { exitCode, printed } = await tenon('generate', 'docker', fileOf(service), '--out', folder, '--check')
    expect(exitCode, printed).toBe(0)
  })

  test('writes nothing when it checks, and exits with 1 where something is missing', async () => {
    const out = await temporaryFolder()
    const { exitCode, printed } = await tenon('generate', 'docker', fileOf('user'), '--out', out, '--check', '--json')
    expect(exitCode).toBe(1)
    expect(JSON.parse(printed)).toEqual({
      ok: false,
      files: ['user.Dockerfile', 'user.Dockerfile.dockerignore'].map((path) => ({
        path,
        state: 'new',
        isWritten: false,
      })),
      obsolete: [],
    })
  })

  test('says which file of a project keeps it from an image, and exits with 1', async () => {
    const file = fixture('worker-service.ts')
    const { exitCode, errors } = await tenon('generate', 'docker', file, '--export', 'service', '--entry', 'seed.ts')
    expect(exitCode).toBe(1)
    expect(errors).toContain('test/package.json: expected a script "build", for seed.ts is TypeScript')
  })

  test.each([
    [['--base', 'alpine'], '--base: expected bookworm-slim or distroless, found "alpine"'],
    [['--report', 'user:0.1.0'], '--report tells of an image'],
  ])('exits with 2 for %j', async (args, message) => {
    const { exitCode, errors } = await tenon('generate', 'docker', fileOf('user'), ...args)
    expect(exitCode).toBe(2)
    expect(errors).toContain(message)
  })
})
