/** The last entry of a page: the moment it was made, and its id where two share the moment. */
export type Place = readonly [createdAt: string, id: string]

/** Before every entry: where the first page begins. */
export const firstPlace: Place = ['', '']

/** An opaque token for the place where the next page begins. */
export function writePageToken(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** The place a token stands for; undefined when the token is none of ours. */
export function readPageToken(token: string): Place | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    return isPlace(place) ? place : undefined
  } catch {
    return undefined
  }
}

function isPlace(value: unknown): value is Place {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
}
