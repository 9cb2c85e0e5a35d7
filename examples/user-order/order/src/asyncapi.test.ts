import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { documentText, documentUrl } from './asyncapi.ts'

test('the AsyncAPI document is up to date: else run npm run asyncapi -w @shop/order-service', async () => {
  expect(await readFile(documentUrl, 'utf8')).toBe(documentText)
})
