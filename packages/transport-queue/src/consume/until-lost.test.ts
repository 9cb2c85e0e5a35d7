import { expect, test } from 'vitest'
import { UntilLost } from './until-lost.ts'

test('gives what works come to, and gives up those that run when the signal fires and any later one', async () => {
  const controller = new AbortController()
  const untilLost = new UntilLost(controller.signal)
  expect(await untilLost.wait(Promise.resolve('done'))).toBe('done')
  const endless = new Promise<string>(() => undefined)
  const waiting = [untilLost.wait(endless), untilLost.wait(endless)]
  controller.abort()
  expect(await Promise.all(waiting)).toEqual([undefined, undefined])
  expect(await untilLost.wait(Promise.resolve('late'))).toBeUndefined()
})
