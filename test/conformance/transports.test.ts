import { conformance, memoryHarness } from '@tenon/testing/conformance'
import { describe, expect, test } from 'vitest'
import { grpcHarness } from './grpc-harness.ts'
import { httpHarness } from './http-harness.ts'
import { http2Harness } from './http2-harness.ts'
import { Matrix } from './matrix.ts'
import { queueHarness } from './queue-harness.ts'

const harnesses = [memoryHarness(), httpHarness, http2Harness, grpcHarness, queueHarness]
const matrix = new Matrix(harnesses)

describe.each(harnesses)('$name', (harness) => conformance(harness, matrix.recording(harness, test)))

test('the matrix in the repository is what was found', async () => {
  console.log(matrix.toText())
  await expect(matrix.toMarkdown()).toMatchFileSnapshot('matrix.md')
})
