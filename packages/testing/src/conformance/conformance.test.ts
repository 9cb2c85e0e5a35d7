import { test } from 'vitest'
import { conformance } from './conformance.ts'
import { memoryHarness } from './memory-harness.ts'

conformance(memoryHarness(), test)
