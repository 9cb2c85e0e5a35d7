/**
 * The JSON name that a field has where its `.proto` names none: `user_id` → `userId`.
 *
 * @see Protocol Buffers language guide (proto 3), JSON mapping: underscores go, and what followed them is a capital
 */
export function defaultJsonName(protoName: string): string {
  return protoName.replaceAll(/_+(.?)/g, (_, letter: string) => letter.toUpperCase())
}
