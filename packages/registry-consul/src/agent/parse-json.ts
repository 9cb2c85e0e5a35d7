/** What an agent answered. @throws Error that says what is no JSON, and quotes none of it: it may hold the value of a setting. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new Error(`${what} is no JSON, but a text of ${text.length} characters`)
  }
}
