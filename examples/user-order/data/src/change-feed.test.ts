import { expect, test } from 'vitest'
import { ChangeFeed } from './change-feed.ts'

test('tells every watcher what changes after it began to watch', async () => {
  const feed = new ChangeFeed<string>()
  const { signal } = new AbortController()
  feed.announce('too early')
  const [one, other] = [feed.watch(signal), feed.watch(signal)]
  feed.announce('first')
  const second = one.next().then(() => one.next())
  feed.announce('second')
  expect(await second).toEqual({ done: false, value: 'second' })
  expect(await other.next()).toEqual({ done: false, value: 'first' })
})

test('wakes a watcher that waits', async () => {
  const feed = new ChangeFeed<string>()
  const waiting = feed.watch(new AbortController().signal).next()
  feed.announce('now')
  expect(await waiting).toEqual({ done: false, value: 'now' })
})

test('ends a watch when its signal fires, after the changes that were told before', async () => {
  const feed = new ChangeFeed<string>()
  const controller = new AbortController()
  const seen: string[] = []
  const watched = (async () => {
    for await (const change of feed.watch(controller.signal)) seen.push(change)
  })()
  feed.announce('before')
  controller.abort()
  feed.announce('after')
  await watched
  expect(seen).toEqual(['before'])
})

test('is over at once for a signal that has fired', async () => {
  expect(await new ChangeFeed<string>().watch(AbortSignal.abort()).next()).toEqual({ done: true, value: undefined })
})

test('forgets a watcher that leaves, also one that never asked for a change', async () => {
  const feed = new ChangeFeed<string>()
  const watch = feed.watch(new AbortController().signal)
  await watch.return?.()
  feed.announce('unheard')
  expect(await watch.next()).toEqual({ done: true, value: undefined })
})

test('fails a watcher that falls too far behind, and keeps no more for it', async () => {
  const feed = new ChangeFeed<number>()
  const watch = feed.watch(new AbortController().signal)
  for (let change = 0; change < 1_002; change += 1) feed.announce(change)
  const seen: number[] = []
  await expect(
    (async () => {
      for await (const change of watch) seen.push(change)
    })(),
  ).rejects.toMatchObject({ code: 'resource_exhausted' })
  expect(seen).toEqual(Array.from({ length: 1_000 }, (_, change) => change))
})
