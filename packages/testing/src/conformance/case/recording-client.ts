import { buildClient, type ClientChannel, type OutgoingCall } from '@tenon/core/client'
import { contract } from '@tenon/core/contract'
import Type from 'typebox'

/** The client of another service, which keeps what goes along with its calls. */
export function recordingClient(sent: OutgoingCall[]) {
  const other = contract('tenon.conformance.v1.OtherService', {
    act: { input: Type.Object({}), output: Type.Object({}) },
  })
  const channel: Pick<ClientChannel, 'unary'> = {
    unary: async (_operation, _input, call) => {
      sent.push(call)
      return {}
    },
  }
  return buildClient(other, channel as ClientChannel)
}
