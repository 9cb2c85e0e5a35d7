import Type from 'typebox'
import { expect, it } from 'vitest'
import { contract } from '../../contract/contract.ts'
import { event } from '../../contract/event.ts'
import { joinedPublisher } from './joined-publisher.ts'
import { Publisher } from './publisher.ts'

const payload = Type.Object({ orderId: Type.String() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload })
const paid = event('shop.payment.paid.v1', { key: 'orderId', payload })
const { place } = contract('shop.order.v1.OrderService', {
  place: { input: payload, output: payload, queue: { topic: 'shop.order.place.v1', key: 'orderId' } },
})

it('sends each message by the publisher whose transport carries its topic, options included', async () => {
  const [orders, payments] = [new Recorder(), new Recorder()]
  const publisher = joinedPublisher([
    part('orders', 'shop.order.', orders),
    part('payments', 'shop.payment.', payments),
  ])
  await publisher.publish(placed, { orderId: '1' }, { key: 'k' })
  await publisher.send(place, { orderId: '2' })
  await publisher.publish(paid, { orderId: '3' })
  await publisher.publish(paid, { orderId: '4' })
  expect(orders.sent).toEqual([
    [placed.topic, { orderId: '1' }, { key: 'k' }],
    ['shop.order.place.v1', { orderId: '2' }, undefined],
  ])
  expect(payments.sent).toEqual([
    [paid.topic, { orderId: '3' }, undefined],
    [paid.topic, { orderId: '4' }, undefined],
  ])
})

it('refuses a topic that none carries, and one that several do, naming them in the cause alone', async () => {
  const one = part('orders', 'shop.', new Recorder())
  const publisher = joinedPublisher([one, part('audit', 'shop.order.', new Recorder())])
  await expect(publisher.publish(placed, { orderId: '1' })).rejects.toMatchObject({
    code: 'internal',
    message: 'a message belongs to no one connection',
    cause: {
      message: 'topic shop.order.placed.v1 is carried by orders and audit; name it in the topics of exactly one',
    },
  })
  const other = joinedPublisher([part('audit', 'audit.', new Recorder())])
  await expect(other.publish(placed, { orderId: '1' })).rejects.toMatchObject({
    cause: { message: 'topic shop.order.placed.v1 is carried by none of audit; name it in the topics of exactly one' },
  })
})

it('refuses what is no event and an operation without queue binding, as any publisher does', async () => {
  const publisher = joinedPublisher([part('orders', 'shop.', new Recorder())])
  const { show } = contract('shop.show.v1.ShowService', { show: { input: payload, output: payload } })
  for (const publishing of [
    publisher.publish(place as unknown as typeof placed, { orderId: '1' }),
    publisher.send(show as unknown as typeof place, { orderId: '1' }),
  ])
    await expect(publishing).rejects.toMatchObject({
      code: 'internal',
      message: 'a message cannot be published as it was given',
    })
})

it('takes a transport that does not say what it carries for one that carries all', async () => {
  const recorder = new Recorder()
  await joinedPublisher([{ from: { name: 'queue' }, value: recorder }]).publish(placed, { orderId: '1' })
  expect(recorder.sent).toHaveLength(1)
})

class Recorder extends Publisher {
  readonly sent: unknown[] = []

  async publish(of: { readonly topic: string }, value: unknown, options?: object): Promise<void> {
    this.sent.push([of.topic, value, options])
  }

  async send(of: { readonly queue: { readonly topic: string } | undefined }, value: unknown, options?: object) {
    this.sent.push([of.queue?.topic, value, options])
  }
}

function part(name: string, beginning: string, value: Publisher) {
  return { from: { name, carriesTopic: (topic: string) => topic.startsWith(beginning) }, value }
}
