import type { Target } from '../target/target.ts'
import { type Balancer, type Choice, firstOpen, type Load, type Picker } from './balancer.ts'

/** Each as likely as any other, whatever their weights. */
export function random(): Balancer {
  return Object.freeze({
    name: 'random',
    over: (targets: readonly Target[], load: Load) => new Random(targets, load),
  })
}

class Random implements Picker {
  readonly #targets: readonly Target[]
  readonly #load: Load

  constructor(targets: readonly Target[], load: Load) {
    this.#targets = targets
    this.#load = load
  }

  pick(choice: Choice): Target | undefined {
    for (let draw = 0; draw < drawCount; draw += 1) {
      const target = this.#targets[this.#place()]
      if (target !== undefined && choice.isOpen(target)) return target
    }
    return firstOpen(this.#targets, this.#place(), choice)
  }

  #place(): number {
    return Math.floor(this.#load.clock.random() * this.#targets.length)
  }
}

/** So many times, before all are looked at: the neighbour of one that is closed would get its calls as well. */
const drawCount = 8
