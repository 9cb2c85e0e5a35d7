/** How long something forgotten (a timer, a socket) may keep the process up after the last service has stopped. A guess. */
export const longestLingerMs = 1_000
