import { type Provider, provide, type Token } from '@tenon/core/transport'

/** What stands in for a value: all of it, or the members that the test needs. */
export type StandIn<Value> = Value extends (...args: never[]) => unknown
  ? Value
  : Value | { readonly [Name in keyof Value]?: Value[Name] }

/**
 * Puts a value in the place of what a token stands for: `override(UserStore, { find: async () => undefined })`. The service
 * neither creates what it replaces nor disposes the value. A provider in its place is `provide()`.
 */
export function override<Value>(token: Token<Value>, value: StandIn<NoInfer<Value>>): Provider {
  return provide(token, { create: () => value as Value, dispose: () => undefined })
}
