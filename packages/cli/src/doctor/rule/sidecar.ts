import type { Rule } from '../finding.ts'
import { imageOf } from '../manifest/container.ts'
import type { Field } from '../manifest/field.ts'

const sidecarOrder: Rule = {
  id: 'sidecar-ends-first',
  severity: 'error',
  find: ({ pod, container }) =>
    pod
      .at('containers')
      .items.filter((other) => other.path !== container.path && !other.at('lifecycle', 'preStop').isSet)
      .filter((other) => isProxy(other.at('name').text) || isProxy(imageOf(other)?.name))
      .filter((other) => !isInjected(other) && !waits(other))
      .map((other) => ({
        at: other,
        message: `${other.at('name').text} gets SIGTERM at the same time as the service, and starts beside it: connections through it are cut while the service drains`,
        fix: 'move it to initContainers with restartPolicy: Always, which starts before and ends after the service',
      })),
}

export const sidecarRules: readonly Rule[] = [sidecarOrder]

/** Containers that traffic of the service goes through. */
const proxies =
  /^(istio-proxy|proxyv2|envoy|linkerd-proxy|cloud-?sql-proxy|gce-proxy|alloydb-auth-proxy|daprd|consul-dataplane|kuma-sidecar|kuma-dp|pgbouncer|haproxy)$/

/** What an injector is given to change its sidecar by. @see Istio, sidecar injection: customizing injection */
function isInjected(container: Field): boolean {
  return container.at('image').text === 'auto'
}

/** Whether it serves on after SIGTERM by itself. @see Cloud SQL and AlloyDB Auth Proxy, flags */
function waits(container: Field): boolean {
  const words = [...container.at('command').items, ...container.at('args').items].map((word) => word.shown ?? '')
  return /--(min|max)-sigterm-delay[= ]\d*[1-9]|-term_timeout[= ]\d*[1-9]/.test(words.join(' '))
}

function isProxy(name: string | undefined): boolean {
  return name !== undefined && proxies.test(name)
}
