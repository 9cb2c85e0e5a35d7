import type { SliceQuery } from './kubernetes-api.ts'
import { labelForm } from './kubernetes-options.ts'

/** `user`, or `user.shop` for Service `user` of namespace `shop`; undefined for what no Service can be called. */
export function toQuery(name: string, ownNamespace: string | undefined): SliceQuery | undefined {
  const [service = '', namespace = ownNamespace, ...rest] = name.split('.')
  const isName = labelForm.test(service) && (namespace === undefined || labelForm.test(namespace)) && rest.length === 0
  return isName ? { service, namespace } : undefined
}
