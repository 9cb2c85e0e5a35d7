import type { Field } from './manifest/field.ts'
import type { Subject } from './subject.ts'

/** `error`: it will fail or lose something. `warning`: it costs something, or fails with what else there may be. */
export type Severity = 'error' | 'warning'

/** A fault of a manifest. */
export interface Finding {
  /** The rule that found it: `grace-too-short`. */
  readonly rule: string
  readonly severity: Severity
  /** `Deployment/user` */
  readonly object: string
  /** `spec.template.spec.terminationGracePeriodSeconds` */
  readonly path: string
  /** The reason, with what was found and what the service needs. */
  readonly message: string
  /** What to write. */
  readonly fix: string
}

/** What a rule found. */
export interface Fault {
  /** Where it was written, or is missing. */
  readonly at: Field
  readonly message: string
  readonly fix: string
}

/** One thing that can be wrong with a manifest. */
export interface Rule {
  readonly id: string
  readonly severity: Severity
  /** None where nothing is wrong, or nothing can be said. */
  find(subject: Subject): readonly Fault[]
}
