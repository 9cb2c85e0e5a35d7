import { serialize } from 'node:v8'
import type { Asked } from '../stage.ts'

/**
 * What a call asks for, as text: its input, and all metadata that goes along but what differs for every call. A remote may answer another
 * user or tenant otherwise, and that is told by metadata.
 */
export function askedKey({ key, input, call }: Asked): string {
  if (key !== undefined) return key
  const metadata = Object.entries(call.metadata).filter(([name]) => !ofEachCall.has(name))
  return serialize([input, metadata.toSorted(([one], [other]) => (one < other ? -1 : 1))]).toString('latin1')
}

const ofEachCall: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'x-request-id'])
