import type { Rule } from '../finding.ts'

const loopback: Rule = {
  id: 'listens-on-loopback',
  severity: 'error',
  find: ({ listeners, environment, container }) => {
    const deaf = listeners.filter(({ host }) => loopbacks.has(host))
    if (deaf.length === 0) return []
    const host = environment.variables.get('TENON_HOST')
    const where = deaf.map(({ name, host: at, port }) => `${name} on ${at}:${port}`).join(', ')
    const message = `nobody outside the pod reaches ${where}, not even the probes`
    const fix = host === undefined ? 'leave out host in the code, and set TENON_HOST: 0.0.0.0' : 'TENON_HOST: 0.0.0.0'
    return [{ at: host?.at ?? container.at('env'), message, fix }]
  },
}

const hostUnset: Rule = {
  id: 'host-unset',
  severity: 'warning',
  find: ({ environment, container, manifest, listeners }) => {
    const isGenerated = manifest.root.at('metadata', 'labels', 'app.kubernetes.io/managed-by').text === 'tenon'
    if (listeners.length === 0 || environment.variables.has('TENON_HOST') || !environment.isWhole || isGenerated)
      return []
    const message =
      'nothing sets TENON_HOST: unless the image does, as a generated one, servers listen on 127.0.0.1 and the probes do not reach them'
    return [{ at: container.at('env'), message, fix: 'TENON_HOST: 0.0.0.0, or give the Dockerfile to the command' }]
  },
}

const settingMissing: Rule = {
  id: 'setting-missing',
  severity: 'error',
  find: ({ service, environment, container }) => {
    // A source of settings may have it.
    if (!environment.isWhole || service.configSources !== undefined) return []
    return service.settings
      .filter(({ isRequired, variable }) => isRequired && isUnset(environment.variables.get(variable)))
      .map(({ variable, expected }) => ({
        at: environment.variables.get(variable)?.at ?? container.at('env'),
        message: `the service does not start without ${variable} (${expected}), and nothing gives it a value`,
        fix: `${variable} in the ConfigMap or the Secret that the container takes its environment from`,
      }))
  },
}

const referenceBroken: Rule = {
  id: 'reference-broken',
  severity: 'error',
  find: ({ environment }) =>
    environment.broken.map(({ at, source, key }) => ({
      at,
      message: `${source} has no ${key}: the container is not created`,
      fix: `${key} in ${source}, or optional: true`,
    })),
}

const secretShown: Rule = {
  id: 'secret-shown',
  severity: 'error',
  find: ({ service, environment }) =>
    service.settings.flatMap(({ isSecret, variable }) => {
      const found = environment.variables.get(variable)
      if (!isSecret || !found?.value || (found.origin !== 'value' && found.origin !== 'config_map')) return []
      const where = found.origin === 'value' ? 'written in the manifest' : 'in a ConfigMap'
      const message = `${variable} is a secret of the service and ${where}: whoever reads it can use it`
      return [
        {
          at: found.at,
          message,
          fix: `valueFrom: { secretKeyRef: { name: ${service.name}-secret, key: ${variable} } }`,
        },
      ]
    }),
}

export const configurationRules: readonly Rule[] = [loopback, hostUnset, settingMissing, referenceBroken, secretShown]

const loopbacks: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1'])

/** A variable with empty text is one that is not set; one whose value is not at hand is. */
function isUnset(variable: { readonly value: string | undefined } | undefined): boolean {
  return variable === undefined || variable.value === ''
}
