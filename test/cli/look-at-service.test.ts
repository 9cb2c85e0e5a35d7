import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { fixture, tenon } from './tenon.ts'

const several = fixture('several-services.ts')
const decorated = 'examples/user-order/user/src/service.ts'

test('check is fine with a service that could start, and finds the loader that its decorators need', async () => {
  expect(await tenon('check', decorated)).toMatchObject({ exitCode: 0, printed: 'fine  user could start\n' })
})

test('check tells what would keep a service from starting, and exits with 1', async () => {
  const { exitCode, printed } = await tenon('check', several, '--export', 'unset', '--json')
  expect(exitCode).toBe(1)
  expect(JSON.parse(printed)).toMatchObject({
    service: 'unset',
    ok: false,
    problems: [{ code: 'config.missing', message: expect.stringContaining('TEST_CLI_PLACE') }],
  })
})

test('check says what to install where decorators have no loader, and exits with 2', async () => {
  const file = join(await temporaryFolder(), 'service.ts')
  await writeFile(file, 'const mark = (_class: unknown, _context: unknown) => {}\n@mark\nexport class Handler {}\n')
  const { exitCode, errors } = await tenon('check', file)
  expect(exitCode).toBe(2)
  expect(errors).toContain('npm install --save-dev tsx')
})

test('describe shows operations, consumers, providers and settings', async () => {
  const { exitCode, printed } = await tenon('describe', decorated)
  expect(exitCode).toBe(0)
  for (const text of [
    'user 0.1.0',
    /shop\.user\.v1\.UserService\/getUser +unary +http, grpc +GET \/v1\/users\/:userId/,
    'shop.order.placed.v1  user  UserHandler.onOrderPlaced',
    /UserStore +needs UserDatabase/,
    'USER_HTTP_PORT',
  ])
    expect(printed).toMatch(text)
})

test('describe shows what a worker does by itself, and check what is wrong with it', async () => {
  const { printed } = await tenon('describe', fixture('worker-service.ts'), '--export', 'service')
  for (const text of [
    /tidy +every 20 ms +overlap skip +schedule tidy\.run/,
    /report +cron 0 3 \* \* \* \(Europe\/Berlin\) +overlap queue +schedule report\.run/,
    /relay +restart always, 5 in a row at most +needs Shelf/,
  ])
    expect(printed).toMatch(text)
  const { exitCode, printed: problems } = await tenon('check', fixture('worker-service.ts'), '--export', 'misread')
  expect(exitCode).toBe(1)
  expect(problems).toContain('schedule report: cron() takes five fields such as "0 3 * * *"')
})

test('describe gives the same as data', async () => {
  const { printed } = await tenon('describe', several, '--export', 'unset', '--json')
  expect(JSON.parse(printed)).toMatchObject({
    name: 'unset',
    operations: [{ id: 'test.cli.v1.GreetingService/greet', route: 'GET /v1/greetings/:name' }],
    settings: [{ variable: 'TEST_CLI_PLACE', isRequired: true }],
  })
})
