import { expect, test } from 'vitest'
import { fixture, tenon } from './tenon.ts'

test('verify drain gives no verdict of what nothing would be sent to, and names it', async () => {
  const { exitCode, errors, printed } = await tenon('verify', 'drain', fixture('memory-service.ts'), '--restarts', '1')
  expect(errors).toContain('test.cli.v1.GreetingService/greet: memory listens for nothing that carries it')
  expect(printed).not.toContain('fine')
  expect(exitCode).toBe(2)
})
