import { check, defineHandler, defineService, hook, provide } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { expect, test } from 'vitest'
import { descriptionText } from './description-text.ts'

const greeting = contract('test.cli.v1.GreetingService', { greet: { input: Type.Object({}), output: Type.Object({}) } })

class Mailbox {}

test('descriptionText shows hooks and checks, with what they need and decide', () => {
  const service = defineService({
    name: 'greeting',
    version: '1.0.0',
    handlers: [defineHandler(greeting, () => ({ greet: () => ({}) }))],
    providers: () => [provide(Mailbox, { create: () => new Mailbox() })],
    checks: [check('mailbox', () => undefined, { needs: [Mailbox], affects: 'liveness', intervalMs: 7_000 })],
    onStart: [hook('fetch', () => undefined, { needs: [Mailbox], timeoutMs: 500 })],
    onStop: [hook('say goodbye', () => undefined)],
  })
  const text = descriptionText(service.describe(), (_style, plain) => plain)
  expect(text).toMatch(/^hooks\n {2}fetch {8}onStart {2}needs Mailbox; at most 500 ms\n {2}say goodbye {2}onStop$/m)
  expect(text).toMatch(/^checks\n {2}mailbox +liveness {2}every 7000 ms; needs Mailbox$/m)
  expect(text).toMatch(/^ {2}heap +none {2}every 5000 ms$/m)
})

test('descriptionText shows where settings come from', () => {
  const name = 'consul config/greeting/'
  const watch = () => expect.unreachable('a service that is only looked at asks no source')
  const service = defineService({
    name: 'greeting',
    version: '1.0.0',
    handlers: [],
    configSources: () => [
      { name, connectsTo: ['http://consul:8500'], watch },
      { source: { name: 'etcd', watch }, isRequired: false },
    ],
  })
  const text = descriptionText(service.describe(), (_style, plain) => plain)
  expect(text).toMatch(
    /^sources of settings\n {2}consul config\/greeting\/ +required; connects to consul:8500\n {2}etcd +not required$/m,
  )
})
