import type { Behaviour } from './behaviour.ts'
import { accessCases } from './case/access.ts'
import { deadlineCases } from './case/deadline.ts'
import { drainCases } from './case/drain.ts'
import { errorCases } from './case/error.ts'
import { flowCases } from './case/flow.ts'
import { inputCases } from './case/input.ts'
import { interceptorCases } from './case/interceptor.ts'
import { leaveCases } from './case/leave.ts'
import { metadataCases } from './case/metadata.ts'
import { outputCases } from './case/output.ts'
import { presenceCases } from './case/presence.ts'
import { sizeCases } from './case/size.ts'
import { streamCases } from './case/stream.ts'
import { streamedCases } from './case/streamed.ts'
import { textCases } from './case/text.ts'
import { valueCases } from './case/value.ts'

/** Everything that every transport must do alike. */
export const behaviours: readonly Behaviour[] = Object.freeze([
  ...inputCases,
  ...textCases,
  ...valueCases,
  ...presenceCases,
  ...outputCases,
  ...errorCases,
  ...accessCases,
  ...interceptorCases,
  ...metadataCases,
  ...deadlineCases,
  ...drainCases,
  ...sizeCases,
  ...streamCases,
  ...streamedCases,
  ...flowCases,
  ...leaveCases,
])
