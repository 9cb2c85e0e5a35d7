/** A process of the integration test: `<driver> <place> <topic>`. A service that tells its parent of every message. */
import { defineConsumer, defineService } from '@tenon/core'
import { event } from '@tenon/core/contract'
import Type from 'typebox'
import { choosePlace } from './broadcast.test-harness.ts'
import { queueTransport } from '../../queue-transport.ts'

const [, , name = '', place = '', topic = ''] = process.argv
const seen = event(topic, { key: 'id', payload: Type.Object({ id: Type.String() }) })
const tell = (text: string) => void process.send?.(text)

const service = defineService({
  name: 'cache',
  version: '1.0.0',
  admin: false,
  handlers: [
    defineConsumer(
      seen,
      () =>
        ({ id }) =>
          tell(id),
      { broadcast: true },
    ),
  ],
  transports: () => [queueTransport({ driver: choosePlace(name, place) })],
})
process.on('disconnect', () => process.exit())
await service.start({ environment: { LOG_LEVEL: 'silent' } })
tell('ready')
