import type { SetupProblem } from '../../error/setup-error.ts'
import { checkName } from '../../handler/name-form.ts'
import type { Timing } from '../../handler/schedule/timing.ts'

/** A handler with what it does by itself. */
interface Scheduled {
  /** Of the handler. */
  readonly name: string
  readonly schedules: readonly { readonly name: string; readonly timing: Timing; readonly member: string }[]
}

/** What keeps the schedules of a service from running. */
export function checkSchedules(handlers: readonly Scheduled[]): readonly SetupProblem[] {
  const schedules = handlers.flatMap(({ name: handler, schedules: own }) => own.map((one) => ({ handler, ...one })))
  return [
    ...schedules.flatMap(({ handler, member, name }) => checkName(`schedule of ${handler}.${member}`, name)),
    ...schedules.flatMap(({ name, timing }) => timing.problems.map(toProblem(name))),
    ...schedules.flatMap(({ handler, member, name }, index): SetupProblem[] => {
      const first = schedules.find((other) => other.name === name)
      if (first === undefined || first === schedules[index]) return []
      const others = `${first.handler}.${first.member} and ${handler}.${member}`
      return [toProblem(name)(`${others} both run under this name: give one of them another name`)]
    }),
  ]
}

function toProblem(name: string): (problem: string) => SetupProblem {
  return (problem) => ({ code: 'wiring.schedule', message: `schedule ${name}: ${problem}` })
}
