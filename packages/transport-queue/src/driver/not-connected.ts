/** What a driver fails with that is used before it is connected. */
export function notConnected(): Error {
  return new Error('connect() comes before any other method of a driver')
}
