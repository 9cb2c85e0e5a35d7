import type { Address } from '@tenon/core'

/** An instance that says that it is ready. */
export interface ReadyBackend {
  readonly id: number
  readonly addresses: readonly Address[]
}

/** What a balancer is told: who takes connections from now on. */
export interface BalancerOrder {
  readonly ready: readonly ReadyBackend[]
}

/** What a balancer tells. */
export type BalancerReport =
  | { readonly kind: 'listening'; readonly addresses: Readonly<Record<string, string>> }
  /** The last order is obeyed that was not told of yet. */
  | { readonly kind: 'led' }
  /** An instance took no connection though it had said that it is ready. */
  | { readonly kind: 'refused'; readonly id: number; readonly protocol: string }
  /** A connection came while no instance was ready, and was closed. */
  | { readonly kind: 'unled' }
