import { Publisher } from '@tenon/core/client'
import type { Provider } from '@tenon/core/transport'
import type { PublishedMessages } from './published-messages.ts'
import { ListingPublisher } from './recording-publisher.ts'

/** The provider of a transport; where it is the publisher's, what that publishes is recorded. */
export function recorded(provider: Provider, messages: PublishedMessages): Provider {
  if (provider.token !== Publisher) return provider
  const { create, dispose, check } = provider
  const innerOf = (value: unknown) => (value instanceof ListingPublisher ? value.inner : undefined)
  return {
    ...provider,
    create: async (...given) => {
      const inner = await create(...given)
      if (!(inner instanceof Publisher)) throw new TypeError('expected the provider of Publisher to make a Publisher')
      return new ListingPublisher(messages, { inner })
    },
    dispose: (value, signal) => (dispose ? dispose(innerOf(value), signal) : release(innerOf(value))),
    check: check && ((value, signal) => check(innerOf(value), signal)),
  }
}

/** As the container does with a value whose provider says nothing. */
async function release(value: object | undefined): Promise<void> {
  if (value && Symbol.asyncDispose in value) await (value as AsyncDisposable)[Symbol.asyncDispose]()
  else if (value && Symbol.dispose in value) (value as Disposable)[Symbol.dispose]()
}
