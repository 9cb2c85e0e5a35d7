import type { Rule } from './finding.ts'
import { configurationRules } from './rule/configuration.ts'
import { imageRules } from './rule/image.ts'
import { livenessRules } from './rule/liveness.ts'
import { networkRules } from './rule/network.ts'
import { portRules } from './rule/port.ts'
import { probeTargetRules } from './rule/probe-target.ts'
import { probeTimeRules } from './rule/probe-time.ts'
import { registryRules } from './rule/registry.ts'
import { resourceRules } from './rule/resource.ts'
import { rolloutRules } from './rule/rollout.ts'
import { scalingRules } from './rule/scaling.ts'
import { securityRules } from './rule/security.ts'
import { shutdownRules } from './rule/shutdown.ts'
import { sidecarRules } from './rule/sidecar.ts'

/** All that can be wrong, in the order of docs/doctor.md. */
export const rules: readonly Rule[] = [
  ...shutdownRules,
  ...probeTimeRules,
  ...livenessRules,
  ...probeTargetRules,
  ...portRules,
  ...imageRules,
  ...resourceRules,
  ...securityRules,
  ...rolloutRules,
  ...scalingRules,
  ...sidecarRules,
  ...networkRules,
  ...registryRules,
  ...configurationRules,
]
