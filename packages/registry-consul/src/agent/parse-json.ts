/** What an agent answered. @throws Error that says what is no JSON. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new Error(`${what} is no JSON: ${text.slice(0, 80)}`)
  }
}
