import type { Rule } from '../finding.ts'
import type { Field } from '../manifest/field.ts'
import type { Manifest } from '../manifest/manifest.ts'
import type { Subject } from '../subject.ts'
import { asksApiServer } from '../../generate/kubernetes/endpoint-reader.ts'
import { foundServices } from '../../generate/kubernetes/peer.ts'

const tokenMissing: Rule = {
  id: 'registry-token-missing',
  severity: 'error',
  find: (subject) => {
    const at = tokenField(subject)
    if (!readsApiServer(subject) || at.value !== false || mountsToken(subject)) return []
    const message = 'the registry asks the API server who there is, and the pod has no token for it: nobody is found'
    return [{ at, message, fix: 'automountServiceAccountToken: true' }]
  },
}

const roleMissing: Rule = {
  id: 'registry-role-missing',
  severity: 'warning',
  find: (subject) => {
    if (!readsApiServer(subject) || looksElsewhereOnly(subject)) return []
    const bindings = subject.manifests.filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding')
    const own = bindings.filter(({ root }) => root.at('subjects').items.some((one) => isAccount(one, subject)))
    const roles = own.map((binding) => roleOf(binding, subject))
    // What a role that is not at hand allows is not known.
    if (roles.some((role) => role === undefined || letsRead(role))) return []
    const at = roles[0]?.root.at('rules') ?? bindings[0]?.root.at('subjects')
    if (at === undefined) return []
    const message = `no role that is bound to ServiceAccount ${accountOf(subject)} lets it list and watch EndpointSlices: the registry finds nobody of its namespace`
    return [{ at, message, fix }]
  },
}

/** @see @tenon/registry-kubernetes, permissions */
export const registryRules: readonly Rule[] = [tokenMissing, roleMissing]

const fix =
  'a RoleBinding for it, to rules: [{ apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch] }]'

/** Whether pods look for others in the API server by their own account; where there is a kubeconfig, that says who asks. */
function readsApiServer({ service, environment }: Subject): boolean {
  return asksApiServer(service) && !environment.variables.has('KUBECONFIG')
}

/** A Role of another namespace is hardly ever among the files. */
function looksElsewhereOnly({ service }: Subject): boolean {
  const found = foundServices(service)
  return found.length > 0 && found.every((name) => name.includes('.'))
}

/** Where it says whether the pod gets a token: the pod, else its account. */
function tokenField(subject: Subject): Field {
  const own = subject.pod.at('automountServiceAccountToken')
  const account = subject.manifests.find(({ kind, name }) => kind === 'ServiceAccount' && name === accountOf(subject))
  return own.isSet || account === undefined ? own : account.root.at('automountServiceAccountToken')
}

/** A token can be mounted by hand, as a projected volume. */
function mountsToken({ container }: Subject): boolean {
  return container.at('volumeMounts').items.some((one) => one.at('mountPath').text?.startsWith(tokenFolder))
}

const tokenFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

function accountOf({ pod }: Subject): string {
  return pod.at('serviceAccountName').text ?? pod.at('serviceAccount').text ?? 'default'
}

/** Whether a subject of a binding is the account of the pods, or may hold it. */
function isAccount(one: Field, subject: Subject): boolean {
  const [kind, name = '', namespace] = ['kind', 'name', 'namespace'].map((field) => one.at(field).text)
  const account = accountOf(subject)
  if (kind === 'Group') return name.startsWith('system:')
  if (kind === 'User') return name.startsWith('system:serviceaccount:') && name.endsWith(`:${account}`)
  const own = subject.manifest.namespace
  return name === account && (namespace === undefined || own === undefined || namespace === own)
}

function roleOf({ root }: Manifest, { manifests }: Subject): Manifest | undefined {
  const { text: kind } = root.at('roleRef', 'kind')
  const { text: name } = root.at('roleRef', 'name')
  return manifests.find((other) => other.kind === kind && other.name === name)
}

function letsRead({ root }: Manifest): boolean {
  const rules = root
    .at('rules')
    .items.filter(
      (rule) => has(rule.at('apiGroups'), 'discovery.k8s.io') && has(rule.at('resources'), 'endpointslices'),
    )
  return ['list', 'watch'].every((verb) => rules.some((rule) => has(rule.at('verbs'), verb)))
}

function has(words: Field, wanted: string): boolean {
  return words.items.some(({ text }) => text === wanted || text === '*')
}
