import { expect, it } from 'vitest'
import { type Provider, provide, token, tokenName } from '../handler/provider.ts'
import type { Transport } from '../transport/transport.ts'
import { jointProviders } from './joint-providers.ts'

const Words = token<string>('Words')

it('leaves alone what one transport gives', () => {
  const words = wordsOf('one')
  expect(jointProviders([transport('a', [words]), transport('b')])).toEqual([words])
})

it('leaves two of a kind for the check to refuse, where nobody says how to make one of them', () => {
  const twice = [provide(Words, { create: () => 'one' }), provide(Words, { create: () => 'other' })]
  expect(jointProviders(twice.map((provider, index) => transport(`t${index}`, [provider])))).toEqual(twice)
})

it('makes one of what several give, after each was created, and lets each be released by itself', async () => {
  const released: string[] = []
  const release = (value: string) => void released.push(value)
  const joint = jointProviders([transport('a', [wordsOf('one', release)]), transport('b', [wordsOf('other', release)])])
  expect(joint.map((provider) => tokenName(provider.token))).toEqual(['Words of a', 'Words of b', 'Words'])
  const [first, second, whole] = joint
  expect(whole?.token).toBe(Words)
  expect(whole?.needs).toEqual([first?.token, second?.token])
  expect(await whole?.create('one', 'other')).toBe('a: one, b: other')
  expect(whole?.dispose).toBeUndefined()
  for (const [index, part] of [first, second].entries()) await part?.dispose?.(index, new AbortController().signal)
  expect(released).toEqual([0, 1])
})

function wordsOf(text: string, dispose: (value: string) => void = () => undefined): Provider {
  return provide(Words, {
    create: () => text,
    dispose,
    combine: (parts) => parts.map(({ from, value }) => `${from.name}: ${value}`).join(', '),
  })
}

function transport(name: string, provides: readonly Provider[] = []): Transport {
  return { name, provides, carries: () => true, bind: () => expect.fail('nothing is bound') }
}
