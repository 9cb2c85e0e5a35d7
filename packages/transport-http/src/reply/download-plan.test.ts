import { expect, test } from 'vitest'
import { planDownload } from './download-plan.ts'

const get = { method: 'GET', headers: { range: 'bytes=2-3' } }

test('a range that the handler chose is taken as it is', () => {
  const plan = planDownload(get, { 'content-range': 'bytes 5-9/*', 'content-length': '5' }, 200)
  expect(plan).toMatchObject({ status: 206, skippedBytes: 0, lengthBytes: 5, isCutShort: false })
})

test('a range of the size is cut out', () => {
  expect(planDownload(get, { 'content-length': '9' }, 200)).toEqual({
    status: 206,
    skippedBytes: 2,
    lengthBytes: 2,
    isCutShort: true,
    headers: { 'accept-ranges': 'bytes', 'content-range': 'bytes 2-3/9' },
  })
})

test.each([
  ['another verb', { ...get, method: 'HEAD' }, 200],
  ['another status', get, 201],
  ['no range', { method: 'GET', headers: {} }, 200],
])('with %s it is the whole', (_what, request, status) => {
  const plan = planDownload(request, { 'content-length': '9' }, status)
  expect(plan).toMatchObject({ status, skippedBytes: 0, lengthBytes: 9, isCutShort: false })
})

test.each([
  [{ 'content-range': 'bytes 9-5/10' }, /content-range must be/],
  [{ 'content-range': 'bytes */10' }, /content-range must be/],
  [{ 'content-length': '-1' }, /content-length must be/],
  [{ 'content-length': '1e3' }, /content-length must be/],
])('headers that no download can have are the fault of the handler: %j', (headers, message) => {
  expect(() => planDownload(get, headers, 200)).toThrow(message)
})
