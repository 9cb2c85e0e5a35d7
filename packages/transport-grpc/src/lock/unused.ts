import { wellKnownTypes } from '../proto/well-known.ts'
import { type LockMessage, type MessageFile, withNested } from '../lock-file/lock-file.ts'

/**
 * What a lock has that `updateProto()` never writes: messages and enums that nothing leads to, and imports of other files. It was
 * added by hand, or left over when something was taken out by hand.
 *
 * An import that is written where it is needed may come and go.
 *
 * @param roots Full names of the messages that are used by themselves.
 */
export function unusedParts({ messages, imports }: MessageFile, roots: readonly string[]): readonly string[] {
  const used = reachable(roots, messages)
  return [
    ...imports.filter((path) => !knownFiles.has(path)).map((path) => `import ${path}`),
    ...messages.flatMap((message) => unusedIn(message, used)),
  ]
}

const knownFiles: ReadonlySet<string> = new Set(Object.values(wellKnownTypes).map(({ file }) => file))

function reachable(names: readonly string[], messages: readonly LockMessage[]): ReadonlySet<string> {
  const byName = new Map(messages.flatMap(withNested).map((message) => [message.fullName, message]))
  const found = new Set(names)
  // A set is walked with what is added to it meanwhile.
  for (const name of found) for (const { type } of byName.get(name)?.fields ?? []) found.add(type.replace(/^\./, ''))
  return found
}

/** Of what lies in an unused message nothing is said. */
function unusedIn({ fullName, messages, enums }: LockMessage, used: ReadonlySet<string>): readonly string[] {
  if (!used.has(fullName)) return [`message ${fullName}`]
  const unusedEnums = enums.filter((one) => !used.has(one.fullName)).map((one) => `enum ${one.fullName}`)
  return [...unusedEnums, ...messages.flatMap((message) => unusedIn(message, used))]
}
