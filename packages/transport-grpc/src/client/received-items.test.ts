import { EventEmitter } from 'node:events'
import { Metadata, status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { ReceivedItems } from './received-items.ts'

/** A call whose messages the test hands out, as long as it is not paused. */
class FakeCall extends EventEmitter {
  isPaused = false
  readonly left: Buffer[] = []

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    for (const message of this.left.splice(0)) this.give(message)
  }

  give(message: Buffer): void {
    if (this.isPaused) this.left.push(message)
    else this.emit('data', message)
  }

  finish(code: number, details = ''): void {
    this.emit('status', { code, details, metadata: new Metadata() })
    this.emit('end')
  }
}

const message = Buffer.alloc(10_000)

test('messages come in their order, then the end', async () => {
  const call = new FakeCall()
  const received = new ReceivedItems(call)
  const items = received[Symbol.asyncIterator]()
  const first = items.next()
  call.give(Buffer.from('a'))
  call.give(Buffer.from('b'))
  call.finish(status.OK)
  expect(String((await first).value)).toBe('a')
  expect(String((await items.next()).value)).toBe('b')
  expect((await items.next()).done).toBe(true)
})

test('an error comes after the messages before it', async () => {
  const call = new FakeCall()
  const items = new ReceivedItems(call)[Symbol.asyncIterator]()
  call.give(message)
  call.finish(status.ABORTED, 'enough')
  expect((await items.next()).value).toBe(message)
  await expect(items.next()).rejects.toMatchObject({ code: 'aborted', message: 'enough' })
})

test('too much that nobody reads pauses the call, and holds back who sends until nothing is left behind', async () => {
  const call = new FakeCall()
  const received = new ReceivedItems(call)
  const items = received[Symbol.asyncIterator]()
  for (let count = 0; count < 9; count += 1) call.give(message)
  expect([call.isPaused, call.left.length]).toEqual([true, 2])
  let isCaughtUp = false
  const caughtUp = received.caughtUp?.then(() => {
    isCaughtUp = true
  })
  for (let count = 0; count < 3; count += 1) await items.next()
  expect([call.isPaused, isCaughtUp]).toEqual([true, false])
  await items.next()
  expect([call.isPaused, isCaughtUp, call.left.length]).toEqual([false, false, 0])
  await caughtUp
  expect(received.caughtUp).toBeUndefined()
})
