import { besideCases } from './beside-cases.ts'
import type { DriverCase } from './driver-case.ts'
import { followingCases } from './following-cases.ts'
import { groupCases } from './group-cases.ts'
import { readingCases } from './reading-cases.ts'
import { rebalanceCases } from './rebalance-cases.ts'
import { recordCases } from './record-cases.ts'
import { startCases } from './start-cases.ts'
import { topicCases } from './topic-cases.ts'

/** What every driver must do, whatever it talks to. */
export const driverSuite: readonly DriverCase[] = [
  ...recordCases,
  ...readingCases,
  ...followingCases,
  ...groupCases,
  ...startCases,
  ...rebalanceCases,
  ...besideCases,
  ...topicCases,
]
