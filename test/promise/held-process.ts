import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { eventually } from '@tenon/testing'
import { expect } from 'vitest'
import { desk } from './fixture/note-contract.ts'
import { type OwnProcess, runFile } from '../support/own-process.ts'
import { openChannel } from './shop.ts'

/** The service of `held-service.ts` in a process of its own. */
export interface HeldProcess extends OwnProcess {
  /** Waits until it is ready. */
  ready(): Promise<void>
  /** Publishes a note by HTTP or gRPC; resolves when that is acknowledged. */
  addNote(noteId: string, protocol: 'http' | 'grpc'): Promise<void>
}

export function startHeldProcess(environment: Readonly<Record<string, string>>): HeldProcess {
  const held = runFile(join(import.meta.dirname, 'fixture/held-service.ts'), environment)
  let addresses: readonly Address[] | undefined
  held.child.once('message', (message) => (addresses = message as readonly Address[]))
  const at = (protocol: string) => {
    const { host, port } = addresses?.find((address) => address.protocol === protocol) ?? {}
    return `${host}:${port}`
  }
  const add = {
    http: async (noteId: string) => {
      const request = { method: 'POST', headers: { 'content-type': 'application/json' } }
      const response = await fetch(`http://${at('http')}/v1/notes`, { ...request, body: JSON.stringify({ noteId }) })
      expect(response.status).toBe(200)
    },
    grpc: async (noteId: string) => {
      const channel = openChannel(desk, at('grpc'))
      try {
        await buildClient(desk, channel).addNote({ noteId })
      } finally {
        await channel.close()
      }
    },
  }
  return {
    ...held,
    ready: () =>
      eventually(
        () => {
          if (!addresses) throw new Error(`it is not ready, but printed:\n${held.output()}`)
        },
        { timeoutMs: 30_000 },
      ),
    addNote: (noteId, protocol) => add[protocol](noteId),
  }
}
