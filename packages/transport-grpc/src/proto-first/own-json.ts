/**
 * JSON without entries named `__proto__`, which protobuf carries like any other: whoever copies them with `Object.assign`
 * would have another prototype. Core drops them too.
 */
export function withoutPrototypes(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || ArrayBuffer.isView(json)) return json
  if (Array.isArray(json)) return json.map(withoutPrototypes)
  const kept = Object.entries(json).filter(([name]) => name !== '__proto__')
  return Object.fromEntries(kept.map(([name, entry]) => [name, withoutPrototypes(entry)]))
}
