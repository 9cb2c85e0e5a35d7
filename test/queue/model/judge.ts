import type { MessageOrder } from '@tenon/core/contract'
import type { AsideMessage } from './aside-message.ts'
import type { DatedFact, Fact, Handling, MessageName, Place } from './journal.ts'
import type { LoggedMessage } from './message.ts'
import { type Assignment, PlaceHistory } from './place-history.ts'

/** What consumers promise, each as the name of its violation. */
export type Rule =
  /** Of a message that a producer was told is stored, or that lies in the log, nothing became. */
  | 'lost'
  /** A message lies in the log twice, or behind one of its key that was sent after it. */
  | 'log_order'
  /** A message came to its first outcome before one of its lane that lies before it. */
  | 'overtaken'
  /** A message came again after those of its lane behind it, and they did not. */
  | 'ends_out_of_order'
  /** Two messages of one lane were handled at the same time by one owner. */
  | 'side_by_side'
  /** A commit covers a message without an outcome. */
  | 'committed_too_early'
  /** The broker stored a commit of somebody who had lost the partition. */
  | 'fenced_commit_stored'
  /** A message came again though a commit behind it had been stored before its owner began. */
  | 'repeated_behind_commit'
  /** A message came again that its former owner had done and committed, or could have. */
  | 'repeated_without_reason'
  /** A message came to two outcomes in one assignment. */
  | 'repeated_by_owner'
  /** An owner handled more since its last stored commit than may come again. */
  | 'beyond_bound'
  /** A partition was given up in good order, without a commit of all that was done with. */
  | 'left_uncommitted'
  /** A message was buried that should have been handled, or the other way round. */
  | 'wrong_outcome'
  /** A message was set aside, or waited for its first outcome for longer than others may hold it up, though nothing of its lane fails. */
  | 'held_up'
  /** There is no dead letter of a message that was given up, or one of a message that was not. */
  | 'dead_letter'

export interface Violation {
  readonly rule: Rule
  readonly text: string
}

/** What the brokers hold at the end. */
export interface FinalState {
  readonly log: ReadonlyMap<Place, readonly LoggedMessage[]>
  /** Where the messages of the dead letters lay, one entry a letter: `place@offset`. */
  readonly letters: readonly string[]
  /** Which messages lie in retry topics, whether or not their owners were told so. @defaultValue none */
  readonly aside?: readonly AsideMessage[]
  /** Of the consumers' transports. */
  readonly maxUncommittedCount: number
  /** Which order messages keep. @defaultValue `key` */
  readonly order?: MessageOrder
  /**
   * How long a message may take from when it is stored to its first outcome, where nothing of its lane fails. Only of histories in which one owner has
   * each partition from the beginning, and its broker answers. @defaultValue not judged
   */
  readonly flowBoundMs?: number | undefined
}

/** Why a message may come to an outcome twice, as a table says what its former owner had to do with it. */
export type DuplicateReason =
  /** Its process was killed. */
  | 'died'
  /** The partition was taken from it while it ran, or it went on though others owned it already. */
  | 'cut'
  /** Its last commit was not stored. */
  | 'commit_failed'
  /** It left in good order, with an older message of the partition unfinished: only what lies before that is committed. */
  | 'behind_unfinished'

export interface Verdict {
  readonly violations: readonly Violation[]
  readonly messageCount: number
  readonly letterCount: number
  /** Messages that were set aside. */
  readonly parkedCount: number
  /** Outcomes beyond the first of a message, by what explains that no commit kept it from coming again. */
  readonly duplicates: Readonly<Record<DuplicateReason, number>>
  readonly assignmentCount: number
}

/** Whether what happened is what consumers promise, and how often what they may do more than once was done so. */
export function judge(facts: readonly DatedFact[], final: FinalState): Verdict {
  const judging = new Judging(final)
  for (const fact of facts) judging.follow(fact)
  judging.end(facts)
  const histories = [...judging.histories.values()]
  return {
    violations: judging.violations,
    messageCount: histories.reduce((sum, { messages }) => sum + messages.length, 0),
    letterCount: final.letters.length,
    parkedCount: histories.reduce((sum, history) => sum + history.parkedCount, 0),
    duplicates: judging.duplicates,
    assignmentCount: histories.reduce((sum, { assignments }) => sum + assignments.length, 0),
  }
}

/** What a message comes to. */
interface Outcome extends HandledRecord {
  readonly is: Fact['is']
}

type HandledRecord = Pick<Handling, 'offset' | 'retryOffset'>

class Judging {
  readonly violations: Violation[] = []
  readonly histories: ReadonlyMap<Place, PlaceHistory>
  readonly #assignments = new Map<string, Assignment>()
  readonly #commits = new Map<string, { readonly assignment: Assignment; readonly end: number; wasFenced: boolean }>()
  readonly #letters: readonly string[]
  readonly #aside: ReadonlyMap<string, readonly AsideMessage[]>
  readonly #maxUncommittedCount: number
  readonly #flowBoundMs: number | undefined
  readonly duplicates = { died: 0, cut: 0, commit_failed: 0, behind_unfinished: 0 }

  constructor({ log, letters, aside = [], maxUncommittedCount, order = 'key', flowBoundMs }: FinalState) {
    this.histories = new Map(Array.from(log, ([place, messages]) => [place, new PlaceHistory(place, messages, order)]))
    this.#letters = letters
    this.#aside = Map.groupBy(aside, ({ position }) => position)
    this.#maxUncommittedCount = maxUncommittedCount
    this.#flowBoundMs = flowBoundMs
  }

  follow(fact: Fact): void {
    if (fact.is === 'assigned') return this.#begin(fact)
    if (fact.is === 'committed') return this.#committed(fact)
    if (fact.is === 'died') return this.#died(fact.member)
    if (!('assignment' in fact)) return
    const assignment = this.#assignments.get(fact.assignment)
    if (assignment === undefined) return
    if (fact.is === 'commits') this.#announceCommit(fact, assignment)
    else if (fact.is === 'parked') assignment.history.park(fact.offset, assignment)
    else if (fact.is === 'committed beside') this.#committedBeside(fact, assignment)
    else if (fact.is === 'told done') for (const at of fact.retryOffsets) assignment.uncommittedAside.delete(at)
    else if (fact.is === 'began') this.#began(fact, assignment)
    else if (fact.is === 'ended') this.#ended(fact, assignment)
    else if (fact.is === 'effect' || fact.is === 'buried') this.#outcome(fact, assignment)
    else this.#gaveUp(fact.is, assignment)
  }

  /** What can only be told at the end. */
  end(facts: readonly DatedFact[]): void {
    for (const history of this.histories.values()) {
      this.#checkLogOrder(history)
      for (const [offset, after] of history.notLast())
        this.#violate('ends_out_of_order', `${history.place}@${offset} came again after ${after} of its lane`)
      for (const { offset, key, number } of history.missing())
        this.#violate('lost', `${history.place}@${offset}, ${key} ${number}, was never handled`)
    }
    this.#checkAcknowledged(facts)
    this.#checkLetters()
    if (this.#flowBoundMs !== undefined) this.#checkFlow(facts, this.#flowBoundMs)
  }

  #begin({ assignment, member, place }: Extract<Fact, { is: 'assigned' }>): void {
    const history = this.histories.get(place)
    if (history) this.#assignments.set(assignment, history.begin(assignment, member))
  }

  #announceCommit({ commit, nextOffset }: Extract<Fact, { is: 'commits' }>, assignment: Assignment): void {
    const { history } = assignment
    this.#commits.set(commit, { assignment, end: nextOffset, wasFenced: assignment.hasSuccessor })
    assignment.committed = Math.max(assignment.committed, nextOffset)
    assignment.hasFailedCommit = false
    const open = history.prefixEnd
    if (nextOffset > open)
      this.#violate('committed_too_early', `${assignment.name} commits ${nextOffset}, and ${open} has no outcome`)
  }

  #committed({ commit, answer }: Extract<Fact, { is: 'committed' }>): void {
    const found = this.#commits.get(commit)
    if (found === undefined) return
    const { assignment, end, wasFenced } = found
    if (answer !== 'stored') assignment.hasFailedCommit = true
    if (answer !== 'stored') return
    if (wasFenced)
      this.#violate('fenced_commit_stored', `${commit} of ${assignment.name} was stored, though others own the place`)
    assignment.history.stored = Math.max(assignment.history.stored, end)
    for (const offset of assignment.uncommitted) if (offset < end) assignment.uncommitted.delete(offset)
  }

  #committedBeside({ answer, nextOffset }: Extract<Fact, { is: 'committed beside' }>, assignment: Assignment): void {
    assignment.hasFailedBeside = answer !== 'stored'
    const { uncommittedAside } = assignment
    if (answer !== 'stored') return
    for (const retryOffset of uncommittedAside) if (retryOffset < nextOffset) uncommittedAside.delete(retryOffset)
  }

  #began(handling: Handling, assignment: Assignment): void {
    const { running, beganAtOffset, history, name } = assignment
    const { offset } = handling
    const lane = history.laneAt(offset)
    if (lane !== undefined && (running.get(lane) ?? 0) > 0)
      this.#violate('side_by_side', `${name} handles ${offset} while another message of ${lane} runs`)
    if (lane !== undefined) running.set(lane, (running.get(lane) ?? 0) + 1)
    const isBehind = offset < beganAtOffset && !history.isParked(offset)
    if (isBehind && this.#wasCutSettingAside(history, offset)) history.park(offset, { hasSuccessor: true })
    this.#touched(handling, assignment)
    if (offset < beganAtOffset && !history.isParked(offset))
      this.#violate('repeated_behind_commit', `${name} handles ${offset}, though ${beganAtOffset} was stored before`)
  }

  /** Whether an owner that was not told so has set it aside: what it had on its way when it was cut may be stored at any time. */
  #wasCutSettingAside({ place }: PlaceHistory, offset: number): boolean {
    const records = this.#aside.get(`${place}@${offset}`) ?? []
    return records.some(({ assignment }) => {
      const owner = this.#assignments.get(assignment)
      return owner?.isCut === true || owner?.isDead === true
    })
  }

  #ended({ offset }: Handling, { running, history }: Assignment): void {
    const lane = history.laneAt(offset)
    if (lane !== undefined) running.set(lane, (running.get(lane) ?? 1) - 1)
  }

  #outcome(outcome: Outcome, assignment: Assignment): void {
    const { is, offset } = outcome
    const { history, name, outcomes } = assignment
    const message = history.messageAt(offset)
    const wanted = message?.expected === 'letter' ? 'buried' : 'effect'
    if (is !== wanted) this.#violate('wrong_outcome', `${name}: ${offset} came to ${is}, expected ${wanted}`)
    const overtaken = history.overtaken({ offset })
    if (overtaken !== undefined) this.#violate('overtaken', `${name}: ${offset} came before ${overtaken} of its lane`)
    // What a fenced owner has set aside of a message that its successor handled comes once more, behind later ones: note 0044.
    const isLateRecord = outcome.retryOffset !== undefined && history.wasParkedLate(offset)
    if (outcomes.has(offset) && !isLateRecord) this.#violate('repeated_by_owner', `${name} did ${offset} twice`)
    else this.#explainRepeat(offset, assignment)
    outcomes.add(offset)
    history.addOutcome(offset)
    if (!assignment.hasSuccessor) history.addOwned(offset)
    this.#touched(outcome, assignment)
  }

  /** What an owner has begun, done or not, comes again if it dies now. A record of the retry topic is committed there, with a bound of its own. */
  #touched({ offset, retryOffset }: HandledRecord, { name, uncommitted, uncommittedAside }: Assignment): void {
    if (retryOffset === undefined) uncommitted.add(offset)
    else uncommittedAside.add(retryOffset)
    const count = Math.max(uncommitted.size, uncommittedAside.size)
    if (count <= this.#maxUncommittedCount) return
    const text = `${name} handles ${offset} with ${count} not committed, of at most ${this.#maxUncommittedCount}`
    this.#violate('beyond_bound', text)
  }

  #explainRepeat(offset: number, assignment: Assignment): void {
    const former = assignment.history.earlierOwner({ offset }, assignment)
    if (former === undefined) return
    const reason = reasonOf(offset, former, assignment)
    if (reason !== undefined) this.duplicates[reason] += 1
    else this.#violate('repeated_without_reason', `${assignment.name} did ${offset}, which ${former.name} could commit`)
  }

  #died(member: string): void {
    for (const assignment of this.#assignments.values()) if (assignment.member === member) assignment.isDead = true
  }

  #gaveUp(is: 'revoked' | 'lost' | 'settled', assignment: Assignment): void {
    if (is === 'settled') this.#settled(assignment)
    else if (is === 'revoked') this.#revoked(assignment)
    else if (is === 'lost' && !assignment.isSettled) assignment.isCut = true
  }

  /** What was not stored before must be tried again now. */
  #revoked(assignment: Assignment): void {
    if (!assignment.hasFailedCommit) return
    assignment.hasFailedCommit = false
    assignment.committed = 0
  }

  /** Only what lies behind a message without an outcome may be left without a commit, and only where the broker answered. */
  #settled(assignment: Assignment): void {
    const { isCut, hasFailedCommit, history, outcomes, committed, name, hasSuccessor } = assignment
    assignment.isSettled = true
    if (isCut || hasFailedCommit || hasSuccessor) return
    const wanted = history.endOf(outcomes, assignment.beganAtOffset)
    if (committed < wanted && history.stored < wanted)
      this.#violate('left_uncommitted', `${name} left with ${committed} committed, and all before ${wanted} done`)
  }

  #checkLogOrder({ place, messages }: PlaceHistory): void {
    const latest = new Map<string, number>()
    for (const { key, number, offset, isKeyed } of messages) {
      if (!isKeyed) continue
      const last = latest.get(key) ?? -1
      if (number <= last) this.#violate('log_order', `${place}@${offset} is ${key} ${number}, behind ${key} ${last}`)
      latest.set(key, number)
    }
  }

  #checkAcknowledged(facts: readonly DatedFact[]): void {
    const logged = new Set([...this.histories.values()].flatMap(({ messages }) => messages.map(nameOf)))
    for (const fact of facts)
      if (fact.is === 'acknowledged' && !logged.has(nameOf(fact)))
        this.#violate('lost', `${nameOf(fact)} was acknowledged and is not in the log`)
  }

  #checkFlow(facts: readonly DatedFact[], boundMs: number): void {
    const dueAt = new Map<string, number>()
    const heldUp = new Set<string>()
    const isFailing = new Set([...this.histories.values()].flatMap((history) => history.failingNames()))
    for (const fact of facts) {
      if (fact.is === 'parked') heldUp.add(nameOf(this.histories.get(fact.place)?.messageAt(fact.offset)))
      if (fact.is === 'acknowledged') dueAt.set(nameOf(fact), fact.at + boundMs)
      if (fact.is !== 'effect') continue
      if (fact.at > (dueAt.get(nameOf(fact)) ?? fact.at)) heldUp.add(nameOf(fact))
      dueAt.delete(nameOf(fact))
    }
    for (const name of heldUp)
      if (!isFailing.has(name))
        this.#violate('held_up', `${name} was set aside, or had no outcome ${boundMs} ms after it was stored`)
  }

  #checkLetters(): void {
    const found = new Set(this.#letters)
    for (const { place, messages } of this.histories.values())
      for (const { offset, expected } of messages)
        if (found.has(`${place}@${offset}`) !== (expected === 'letter'))
          this.#violate(
            'dead_letter',
            `${place}@${offset} should come to ${expected}; letters: ${this.#letters.join(' ')}`,
          )
  }

  #violate(rule: Rule, text: string): void {
    this.violations.push({ rule, text })
  }
}

function nameOf({ key, number }: Partial<MessageName> = {}): string {
  return `${key} ${number}`
}

/** Undefined when nothing kept the former owner from committing the message. */
function reasonOf(offset: number, former: Assignment, current: Assignment): DuplicateReason | undefined {
  if (former.isDead) return 'died'
  if (former.isCut || !former.isSettled || current.hasSuccessor) return 'cut'
  // Whoever is fenced and sets aside what its successor handles makes a third owner handle it again.
  if (former.history.wasParkedLate(offset)) return 'cut'
  const isParked = former.history.isParked(offset)
  if (former.hasFailedCommit || (isParked && former.hasFailedBeside)) return 'commit_failed'
  if (isParked && former.history.isBehindParked(offset, former.outcomes)) return 'behind_unfinished'
  return former.history.endOf(former.outcomes, former.beganAtOffset) <= offset ? 'behind_unfinished' : undefined
}
