/** What a driver is measured with. */
export interface PoisonRun {
  readonly driver: string
  readonly messageCount: number
  readonly roundCount: number
  /** What a program is told for a topic of that name. */
  environment(topic: string): Readonly<Record<string, string>>
  readonly topic: string
}

export const poisonProgram = 'dist/server/queue-poison'
