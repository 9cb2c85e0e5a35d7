import { expect, it } from 'vitest'
import { isLoopback } from './loopback.ts'

it.each(['localhost', '127.0.0.1', '127.8.9.10', '127.1', '::1', '[::1]'])('nobody else reaches %s', (host) => {
  expect(isLoopback(host)).toBe(true)
})

it.each(['127.example.com', '127db', '0.0.0.0', '::', 'localhost.example.com', '10.127.0.1'])(
  'others reach %s',
  (host) => {
    expect(isLoopback(host)).toBe(false)
  },
)
