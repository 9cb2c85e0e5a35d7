import type { Discovery, Instance } from '@tenon/core/registry'
import { eventually } from '@tenon/testing'
import { expect } from 'vitest'

/** A watch whose lists are read as they come. */
export function watched(discovery: Discovery, name: string) {
  const leaving = new AbortController()
  const lists: (readonly Instance[])[] = []
  const troubles: string[] = []
  const read = async () => {
    const onTrouble = ({ message }: Error) => void troubles.push(message)
    for await (const list of discovery.watch(name, { signal: leaving.signal, onTrouble })) lists.push(list)
  }
  const reading = read()
  const leave = async () => {
    leaving.abort()
    await reading
  }
  const sees = (ids: readonly string[], timeoutMs = 4_000) =>
    eventually(() => expect(lists.at(-1)?.map(({ id }) => id)).toEqual(ids), { timeoutMs })
  return { lists, troubles, sees, leave, [Symbol.asyncDispose]: leave }
}

export function instanceOf(name: string, id: string, fields: Partial<Instance> = {}): Instance {
  const endpoints = [{ protocol: 'http', host: '127.0.0.1', port: 8_080 }]
  return { id, name, version: '1.0.0', endpoints, ...fields }
}
