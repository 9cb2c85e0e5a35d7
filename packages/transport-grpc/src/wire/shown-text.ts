/** What a caller sent, as it may be told: it may be long, and hold what nobody can read. */
export function toShown(text: string): string {
  const shown = text.slice(0, longestShown).replaceAll(/[^ -~]/g, '?')
  return text.length > longestShown ? `${shown}…` : shown
}

/** A guess: enough to know again what was sent. */
const longestShown = 32
