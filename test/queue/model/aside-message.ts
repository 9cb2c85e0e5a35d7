import type { ReceivedRecord } from '@tenon/transport-queue'
import { assignmentHeader, headersOf } from './message.ts'

/** A message that lies in a retry topic. */
export interface AsideMessage {
  /** Of the source: `place@offset`. */
  readonly position: string
  /** Which set it aside. */
  readonly assignment: string
}

/** What a record of a retry topic sets aside; undefined for one that is no message. */
export function toAside(record: ReceivedRecord, sourceTopic: string): AsideMessage | undefined {
  const headers = headersOf(record)
  const offset = headers['tenon-retry-offset']
  const assignment = headers[assignmentHeader]
  if (offset === undefined || assignment === undefined) return undefined
  return { position: `${sourceTopic}/${record.partition}@${offset}`, assignment }
}
