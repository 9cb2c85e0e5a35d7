import { expect, test } from 'vitest'
import { callerAddress } from './caller-address.ts'

test.each([
  ['10.0.0.7:41234', '10.0.0.7'],
  ['10.0.0.7', '10.0.0.7'],
  ['[2001:db8:1:2:3:4:5:6]:41234', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
  ['[2001:db8::1]:41234', '2001:db8:0:0::/64'],
  ['[::1]:41234', '0:0:0:0::/64'],
  ['[fe80::1%eth0]:41234', 'fe80:0:0:0::/64'],
  ['[::ffff:10.0.0.7]:41234', '10.0.0.7'],
  [undefined, 'unknown'],
])('of %s is %s', (peer, address) => {
  expect(callerAddress(peer)).toBe(address)
})
