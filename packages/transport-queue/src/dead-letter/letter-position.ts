import { deadLetterTopic } from './dead-letter.ts'
import { foundText, malformed } from './check-option.ts'

/** Whose dead letters: of a topic, given up by a group. */
export interface LetterOwner {
  /** The topic whose messages were given up. */
  readonly topic: string
  /** The group that gave them up. */
  readonly group: string
}

/** Where a letter lies in the topic of its group's dead letters. */
export interface LetterPlace {
  readonly partition: number
  readonly offset: number
}

/**
 * Reads the position of a letter: `shop.order.placed.v1.dlq.user/0@17`.
 *
 * @param name What the position was given as, for the error.
 * @throws ServiceError `invalid_argument` for what is none, and for one of another topic or group
 */
export function readPosition(name: string, position: unknown, owner: LetterOwner): LetterPlace {
  const expected = deadLetterTopic(owner.topic, owner.group)
  const [, topic, partition, offset] = (typeof position === 'string' && form.exec(position)) || []
  if (topic === undefined)
    throw malformed(`${name} must be a position such as ${expected}/0@17, found ${foundText(position)}`)
  if (topic !== expected) throw malformed(`${name} must be a position in ${expected}, found one in ${topic}`)
  return { partition: Number(partition), offset: Number(offset) }
}

/** How a place is written beside its topic: `0@17`. */
export function placeText({ partition, offset }: LetterPlace): string {
  return `${partition}@${offset}`
}

/** 15 digits are exact as a number. */
const form = /^(.+)\/(\d{1,9})@(\d{1,15})$/
