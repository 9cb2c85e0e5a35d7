import type { Target } from '../target/target.ts'
import type { Balancer, Choice, Load, Picker } from './balancer.ts'

/** Each in turn, whatever their weights, from one that is drawn: clients that start together do not all begin with the same. */
export function roundRobin(): Balancer {
  return Object.freeze({
    name: 'roundRobin',
    over: (targets: readonly Target[], load: Load) => new RoundRobin(targets, load),
  })
}

class RoundRobin implements Picker {
  readonly #targets: readonly Target[]
  #turn: number

  constructor(targets: readonly Target[], { clock }: Load) {
    this.#targets = targets
    this.#turn = Math.floor(clock.random() * targets.length)
  }

  pick(choice: Choice): Target | undefined {
    const { length } = this.#targets
    for (let ahead = 0; ahead < length; ahead += 1) {
      const place = (this.#turn + ahead) % length
      const target = this.#targets[place]
      if (target === undefined || !choice.isOpen(target)) continue
      this.#turn = (place + 1) % length
      return target
    }
    return undefined
  }
}
