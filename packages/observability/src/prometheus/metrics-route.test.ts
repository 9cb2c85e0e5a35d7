import { expect, it } from 'vitest'
import { formatFor } from './metrics-route.ts'

it.each([
  [undefined, 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/html', 'prometheus'],
  ['text/plain;version=0.0.4', 'prometheus'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2', 'openmetrics'],
  ['Application/OpenMetrics-Text; Version=1.0.0; Q=0.5, text/plain;q=0.5', 'openmetrics'],
  ['application/openmetrics-text;version=0.0.1', 'prometheus'],
  ['application/openmetrics-text;q=0', 'prometheus'],
  ['application/openmetrics-text;q=0.2,text/plain;q=0.7', 'prometheus'],
  ['application/openmetrics-text;q=x', 'prometheus'],
] as const)('who accepts %s gets %s', (accept, format) => {
  expect(formatFor(accept)).toBe(format)
})
