import { expect, test } from 'vitest'
import { Gate } from './gate.ts'

test('tells running calls that the drain begins, before it waits for them', async () => {
  const gate = new Gate()
  const running = { endsAtMs: undefined, place: 0, cut: () => undefined }
  gate.enter(running)
  const told = new Promise<void>((resolve) => gate.draining.addEventListener('abort', () => resolve()))
  const idle = gate.shut()
  await told
  expect(gate.isOpen).toBe(false)
  gate.leave(running)
  await idle
})
