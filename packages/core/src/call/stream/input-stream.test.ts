import Type from 'typebox'
import { describe, expect, it, vi } from 'vitest'
import { ServiceError } from '../../error/service-error.ts'
import { compileSchema } from '../../schema/compiled-schema.ts'
import { allOf } from '../dispatcher.test-harness.ts'
import { InputStream, inputIterator } from './input-stream.ts'

const item = compileSchema(Type.Object({ count: Type.Integer({ default: 1 }) }))

const callerGone = () => new ServiceError('deadline_exceeded', 'the caller waited no longer')

function streamOf(source: AsyncIterator<unknown>) {
  const controller = new AbortController()
  return { input: new InputStream(source, { item, signal: controller.signal, callerGone }), controller }
}

async function* counting(values: readonly unknown[], closed: () => void = () => undefined) {
  try {
    yield* values
  } finally {
    closed()
  }
}

/** A source that waits for its caller until it is closed. */
function silent() {
  const returned = vi.fn(async () => ({ done: true as const, value: undefined }))
  return { source: { next: () => new Promise<never>(() => undefined), return: returned }, returned }
}

describe('InputStream', () => {
  it('gives each item as the schema reads it, and then its end', async () => {
    const { input } = streamOf(counting([{ count: 2, extra: true }, {}]))
    expect(await allOf(input)).toEqual([{ count: 2 }, { count: 1 }])
    expect(await input.next()).toEqual({ done: true, value: undefined })
  })

  it('asks for an item only when the handler does', async () => {
    const next = vi.fn(async () => ({ done: false as const, value: { count: 1 } }))
    const { input } = streamOf({ next })
    expect(next).not.toHaveBeenCalled()
    await input.next()
    expect(next).toHaveBeenCalledTimes(1)
  })

  it('lets other work run while a handler takes items that are there already', async () => {
    const { input } = streamOf({ next: async () => ({ done: false as const, value: {} }) })
    let isOtherServed = false
    setTimeout(() => (isOtherServed = true), 0)
    let count = 0
    for await (const _ of input) if (isOtherServed || ++count === 3_000_000) break
    expect(isOtherServed).toBe(true)
  })

  it('refuses an item that does not fit by its place, and reads no further', async () => {
    const closed = vi.fn()
    const { input } = streamOf(counting([{ count: 1 }, { count: 'x' }, { count: 3 }], closed))
    await input.next()
    const refused = { code: 'invalid_argument', details: { violations: [{ field: '/1/count', rule: 'type' }] } }
    await expect(input.next()).rejects.toMatchObject(refused)
    expect(closed).toHaveBeenCalledTimes(1)
    // It must not look complete to a handler that caught the error.
    await expect(input.next()).rejects.toMatchObject(refused)
  })

  it('ends a wait with what ended the call, closes the source, and is never taken for complete', async () => {
    const { source, returned } = silent()
    const { input, controller } = streamOf(source)
    const waiting = input.next()
    const error = new ServiceError('deadline_exceeded', 'late')
    controller.abort(error)
    await expect(waiting).rejects.toBe(error)
    expect(returned).toHaveBeenCalledTimes(1)
    await expect(input.next()).rejects.toBe(error)
  })

  it('closes its source when the handler breaks out of the loop, and once', async () => {
    const closed = vi.fn()
    const { input, controller } = streamOf(counting([{}, {}], closed))
    for await (const _ of input) break
    input.close()
    controller.abort(new Error('later'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(closed).toHaveBeenCalledTimes(1)
  })

  it('ends a wait when the call ends well, and survives a source that cannot be closed', async () => {
    const source: AsyncIterator<unknown> = {
      next: () => new Promise<never>(() => undefined),
      return: () => {
        throw new Error('cannot be closed')
      },
    }
    const { input } = streamOf(source)
    const waiting = input.next()
    input.close()
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('leaves no listener on the signal when it is over', async () => {
    const controller = new AbortController()
    const removed = vi.spyOn(controller.signal, 'removeEventListener')
    await allOf(new InputStream(counting([{}]), { item, signal: controller.signal, callerGone }))
    expect(removed).toHaveBeenCalledWith('abort', expect.any(Function))
  })

  it('passes on what the source throws', async () => {
    const broken = new ServiceError('invalid_argument', 'it is no JSON')
    const { input } = streamOf({ next: () => Promise.reject(broken) })
    await expect(input.next()).rejects.toBe(broken)
  })

  it('ends as the call does when the source says that the caller has left', async () => {
    const { input } = streamOf({ next: () => Promise.reject(new ServiceError('cancelled', 'the caller is gone')) })
    await expect(input.next()).rejects.toMatchObject({ code: 'deadline_exceeded' })
    await expect(input.next()).rejects.toMatchObject({ code: 'deadline_exceeded' })
  })
})

it('a transport that decodes no stream cannot serve one', () => {
  expect(() => inputIterator({ count: 1 })).toThrow(expect.objectContaining({ code: 'unimplemented' }))
})
