import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { fixture, tenon } from './tenon.ts'

test('generate kubernetes reads the settings of the overlays that are there, leaves them alone and writes the rest', async () => {
  const out = await temporaryFolder()
  const folder = join(out, 'overlays/edge')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'config.env'), 'HTTP_PORT=8080\n')
  await writeFile(join(folder, 'secret.env.example'), 'STORE_URL=postgres://a:b@10.0.0.7:5432/placed\n')
  const { exitCode, printed, errors } = await tenon(
    'generate',
    'kubernetes',
    fixture('placed-service.ts'),
    '--out',
    out,
  )
  expect(exitCode, printed).toBe(0)
  expect(errors).toBe('')
  expect(await readdir(join(out, 'overlays'))).toEqual(['edge'])
  expect(printed).toContain('yours        overlays/edge/config.env\n')
  expect(await readFile(join(folder, 'config.env'), 'utf8')).toBe('HTTP_PORT=8080\n')
  expect(await readFile(join(folder, 'network-policy.yaml'), 'utf8')).toContain('cidr: 10.0.0.7/32')
  expect(await readFile(join(out, 'base/service.yaml'), 'utf8')).toContain('port: 8080')
})
