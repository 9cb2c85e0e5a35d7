import { expect, it } from 'vitest'
import { imageReport, imageReportText } from './image-report.ts'

it('tells size, user and the layers that have one', () => {
  const layers = [
    { size: '74MB', by: 'base' },
    { size: '0B', by: 'ENV NODE_ENV=production' },
    { size: '24MB', by: `COPY ${'x'.repeat(200)}` },
  ]
  expect(imageReportText({ image: 'a:1', sizeBytes: 98_040_000, user: '', layers })).toBe(
    ['a:1: 98.0 MB, user root', '  74MB  base', `  24MB  COPY ${'x'.repeat(95)}`].join('\n'),
  )
})

it('says what Docker says of an image that is not there', async () => {
  await expect(imageReport('tenon.invalid/absent:0')).rejects.toThrow('--report: docker does not tell of it')
})
