/** One partition of a topic, `topic/partition`. */
export type Place = string

/** A message as the model knows it. The number counts the messages of its key from 0. */
export interface MessageName {
  readonly key: string
  readonly number: number
}

/** One handling of one message by one assignment of its partition. */
export interface Handling extends MessageName {
  readonly assignment: string
  readonly place: Place
  readonly offset: number
  /** Where in the retry topic the record lies that was handled; undefined for one of the source. */
  readonly retryOffset?: number
  readonly attempt: number
}

/** Something that happened, in the order in which it did. Whatever must hold is judged from these alone. */
export type Fact =
  | ({ readonly is: 'sent' | 'acknowledged' } & MessageName)
  | { readonly is: 'assigned'; readonly assignment: string; readonly member: string; readonly place: Place }
  /** `settled`: nothing of the assignment works any more, and its last commit was answered. */
  | { readonly is: 'revoked' | 'lost' | 'settled'; readonly assignment: string }
  | ({ readonly is: 'began' | 'effect' | 'ended' } & Handling)
  | ({ readonly is: 'buried' } & Pick<Handling, 'assignment' | 'place' | 'offset' | 'retryOffset'>)
  /** Set aside in the retry topic, and stored there. */
  | { readonly is: 'parked'; readonly assignment: string; readonly place: Place; readonly offset: number }
  /** How far an assignment has come in the retry topic, and what it is done with behind that. */
  | {
      readonly is: 'committed beside'
      readonly assignment: string
      readonly answer: 'stored' | 'refused' | 'failed'
      readonly nextOffset: number
    }
  | { readonly is: 'told done'; readonly assignment: string; readonly retryOffsets: readonly number[] }
  | { readonly is: 'commits'; readonly assignment: string; readonly commit: string; readonly nextOffset: number }
  | { readonly is: 'committed'; readonly commit: string; readonly answer: 'stored' | 'refused' | 'failed' }
  /** Messages that were halted got their attempts anew. */
  | { readonly is: 'released'; readonly member: string; readonly count: number }
  /** Without leaving: killed, or its process ended. */
  | { readonly is: 'died'; readonly member: string }
  /** What the scenario does, for who reads the journal. */
  | { readonly is: 'step'; readonly text: string }

/** A fact and when it happened, in milliseconds of whatever clock the run goes by. */
export type DatedFact = Fact & { readonly at: number }

/** Where facts are written as they happen. */
export interface Journal {
  add(fact: Fact): void
}

/** The journal of a run inside this process. */
export class MemoryJournal implements Journal {
  readonly facts: DatedFact[] = []

  add(fact: Fact): void {
    this.facts.push({ ...fact, at: Date.now() })
  }
}
