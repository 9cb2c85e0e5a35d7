import type { ServiceDescription } from '@tenon/core'
import { describe, expect, it } from 'vitest'
import { UnsetError } from '../child/described-service.ts'
import { FaultError } from '../command/command.ts'
import { describeWith, firstDescription } from './first-description.ts'
import { described } from './kubernetes/sample-service.test-harness.ts'

/** A service that calls where USER_ADDRESS says. */
async function needy(environment: Readonly<Record<string, string>>): Promise<ServiceDescription> {
  const { USER_ADDRESS: address } = environment
  if (address === undefined) throw new UnsetError('USER_ADDRESS is not set', 'note')
  return described({ remotes: [{ contract: 'shop.User', transport: 'grpc', interceptors: [], address }] })
}

const addressOf = ({ remotes }: ServiceDescription) => remotes[0]?.address

describe('firstDescription', () => {
  it('takes what the command line gives, and looks for no files', async () => {
    const found = await firstDescription({
      describe: needy,
      given: { USER_ADDRESS: 'user:1' },
      settingsOf: () => Promise.reject(new Error('nobody needs it')),
    })
    expect(addressOf(found)).toBe('user:1')
  })

  it('takes what the files of the service set, where that is not enough', async () => {
    const settingsOf = async (service: string) => ({ USER_ADDRESS: `of-${service}:1` })
    expect(addressOf(await firstDescription({ describe: needy, given: {}, settingsOf }))).toBe('of-note:1')
  })

  it.each([
    [undefined, 'give it by --set NAME=value'],
    [async () => ({}), 'give it in its file of settings, or by --set NAME=value'],
    [async () => ({ OTHER: '1' }), 'give it in its file of settings, or by --set NAME=value'],
  ])('says how to give what nothing sets', async (settingsOf, hint) => {
    const refused = firstDescription({ describe: needy, given: {}, ...(settingsOf && { settingsOf }) })
    await expect(refused).rejects.toThrow(FaultError)
    await expect(refused).rejects.toThrow(`USER_ADDRESS is not set\nnote cannot be described without: ${hint}`)
  })
})

describe('describeWith', () => {
  it('names the file that should set it', async () => {
    const refused = describeWith({ describe: needy, environment: {}, file: 'edge/config.env' })
    await expect(refused).rejects.toThrow('give it in edge/config.env, or by --set NAME=value')
  })
})
