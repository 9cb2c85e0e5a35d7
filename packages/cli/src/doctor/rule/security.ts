import type { Rule } from '../finding.ts'
import type { Field } from '../manifest/field.ts'
import type { Subject } from '../subject.ts'
import { userId } from '../../generate/pod-facts.ts'

const runsAsRoot: Rule = {
  id: 'runs-as-root',
  severity: 'error',
  find: (subject) => {
    const user = security(subject, 'runAsUser')
    return user.number === 0 ? [{ at: user, message: 'the process runs as root', fix: notRoot }] : []
  },
}

const userLeftToImage: Rule = {
  id: 'user-left-to-image',
  severity: 'warning',
  find: (subject) => {
    const nonRoot = security(subject, 'runAsNonRoot')
    if (security(subject, 'runAsUser').isSet || nonRoot.value === true) return []
    const message = 'nothing keeps the process from running as root: that is left to the image'
    return [{ at: nonRoot, message, fix: notRoot }]
  },
}

const writableRoot: Rule = {
  id: 'writable-root',
  severity: 'warning',
  find: ({ container }) => {
    const at = container.at('securityContext', 'readOnlyRootFilesystem')
    if (at.value === true) return []
    const message = 'the root file system can be written to: who breaks in can change the code that runs'
    return [{ at, message, fix: 'readOnlyRootFilesystem: true, with an emptyDir for folders that are written to' }]
  },
}

const escalation: Rule = {
  id: 'privilege-escalation',
  severity: 'warning',
  find: ({ container }) => {
    const context = container.at('securityContext')
    const privileged = context.at('privileged')
    if (privileged.value === true)
      return [
        { at: privileged, message: 'the container may do all that root of the node may', fix: 'leave privileged out' },
      ]
    const at = context.at('allowPrivilegeEscalation')
    if (at.value === false) return []
    const message = 'a process of the container may gain more rights than it began with'
    return [{ at, message, fix: 'allowPrivilegeEscalation: false' }]
  },
}

const capabilities: Rule = {
  id: 'capabilities-kept',
  severity: 'warning',
  find: ({ container }) => {
    const at = container.at('securityContext', 'capabilities', 'drop')
    if (at.items.some((item) => item.text?.toUpperCase() === 'ALL')) return []
    const message = 'the container keeps capabilities that a service on ports above 1023 does not need'
    return [{ at, message, fix: 'capabilities: { drop: [ALL] }' }]
  },
}

/** @see Kubernetes documentation, Pod Security Standards: restricted */
export const securityRules: readonly Rule[] = [runsAsRoot, userLeftToImage, writableRoot, escalation, capabilities]

const notRoot = `securityContext: { runAsNonRoot: true, runAsUser: ${userId} }`

/** A field of the container's security context, else the pod's, which it overrides. */
function security({ container, pod }: Subject, name: string): Field {
  const own = container.at('securityContext', name)
  const shared = pod.at('securityContext', name)
  return own.isSet || !shared.isSet ? own : shared
}
