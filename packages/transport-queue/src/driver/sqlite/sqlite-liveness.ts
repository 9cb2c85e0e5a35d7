import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** A process, by what other processes of this machine can find it. */
export interface ProcessPlace {
  /** Within which process ids are unique: the namespace of a container, or the machine. */
  readonly space: string
  readonly processId: number
}

/** @see Linux manual page pid_namespaces(7): processes in different namespaces may have the same id */
export function currentProcess(): ProcessPlace {
  return { space: processSpace(), processId: process.pid }
}

/** Whether a process has certainly ended. One that cannot be seen from here may run. */
export function hasEnded({ space, processId }: ProcessPlace): boolean {
  if (space !== processSpace()) return false
  try {
    process.kill(processId, 0)
    return false
  } catch (error) {
    return error instanceof Error && Reflect.get(error, 'code') === 'ESRCH'
  }
}

/** The same for as long as the process lives. */
function processSpace(): string {
  knownSpace ??= `${hostname()} ${namespaceName()}`
  return knownSpace
}

let knownSpace: string | undefined

/** Only Linux has namespaces of processes. */
function namespaceName(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

/** What a member has written of itself. */
export interface MemberSign extends ProcessPlace {
  readonly memberId: number
  /** Another number at every heartbeat. */
  readonly beat: number
  readonly sessionTimeoutMs: number
}

/**
 * Tells which members are dead, by watching them: a member is when its process has ended, or when its heartbeat has not moved for
 * its session timeout while this one was watching. No clock is shared, so none can be wrong, and nobody is blamed for a
 * time in which nobody could write.
 */
export class MemberWatch {
  readonly #seen = new Map<number, { readonly beat: number; readonly sinceMs: number }>()
  readonly #mostGapMs: number
  #lastMs = Number.NEGATIVE_INFINITY

  /** A pause between two looks that is longer than the gap is no watching. */
  constructor(mostGapMs: number) {
    this.#mostGapMs = mostGapMs
  }

  /** The dead among the members, at a time of a clock that only goes forward. */
  look(members: readonly MemberSign[], nowMs: number): readonly number[] {
    if (nowMs - this.#lastMs > this.#mostGapMs) this.#seen.clear()
    this.#lastMs = nowMs
    const present = new Set(members.map(({ memberId }) => memberId))
    for (const memberId of this.#seen.keys()) if (!present.has(memberId)) this.#seen.delete(memberId)
    return members.filter((member) => this.#isDead(member, nowMs)).map(({ memberId }) => memberId)
  }

  #isDead(member: MemberSign, nowMs: number): boolean {
    const { memberId, beat, sessionTimeoutMs } = member
    const seen = this.#seen.get(memberId)
    if (seen?.beat !== beat) this.#seen.set(memberId, { beat, sinceMs: nowMs })
    else if (nowMs - seen.sinceMs > sessionTimeoutMs) return true
    return hasEnded(member)
  }
}
