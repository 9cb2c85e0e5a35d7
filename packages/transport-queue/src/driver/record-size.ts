import type { RecordToSend } from '../queue-driver.ts'

/** Bytes of a record as every limit counts them: key, value and headers. */
export function byteCountOf({ key, value, headers }: RecordToSend): number {
  const ofHeaders = headers.reduce((sum, [name, content]) => sum + Buffer.byteLength(name) + content.byteLength, 0)
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + ofHeaders
}
