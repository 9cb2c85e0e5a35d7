import { describe, expect, it } from 'vitest'
import { environmentOf } from './container-environment.ts'
import { parseManifests } from './parse-manifests.ts'

function read(container: string, others = '', imageVariables: ReadonlyMap<string, string> = new Map()) {
  const manifests = parseManifests(
    `{ kind: Deployment, metadata: { name: user }, spec: { template: { spec: { volumes: [{ name: config, configMap: { name: c } }, { name: tmp, emptyDir: {} }], containers: [${container}] } } } }
---
${others}`,
    'a test',
  )
  const [workload] = manifests
  if (workload === undefined) throw new Error('a Deployment was written')
  const pod = workload.root.at('spec', 'template', 'spec')
  const [found] = pod.at('containers').items
  if (found === undefined) throw new Error('a container was written')
  const environment = environmentOf({ container: found, pod, workload, manifests, imageVariables })
  const values = Array.from(environment.variables, ([name, { origin, value }]) => [name, `${origin} ${value}`])
  return { ...environment, values: Object.fromEntries(values) }
}

const configMap = '{ kind: ConfigMap, metadata: { name: c }, data: { A: map, B: map } }'
const secret = `{ kind: Secret, metadata: { name: s }, data: { S: ${Buffer.from('hidden').toString('base64')} }, stringData: { T: open } }`

describe('environmentOf', () => {
  it('lets what comes later count: image, envFrom, env', () => {
    const { values } = read(
      '{ envFrom: [{ configMapRef: { name: c } }], env: [{ name: B, value: own }] }',
      configMap,
      new Map([
        ['A', 'image'],
        ['Z', 'image'],
      ]),
    )
    expect(values).toEqual({ A: 'config_map map', B: 'value own', Z: 'image image' })
  })

  it('reads Secrets that are at hand, and prefixes', () => {
    const { values, isWhole } = read('{ envFrom: [{ prefix: X_, secretRef: { name: s } }] }', secret)
    expect(values).toEqual({ X_S: 'secret hidden', X_T: 'secret open' })
    expect(isWhole).toBe(true)
  })

  it('knows that a variable is set whose source is not at hand', () => {
    const { values, isWhole } = read(
      '{ env: [{ name: A, valueFrom: { secretKeyRef: { name: s, key: S } } }, { name: IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }] }',
    )
    expect(values).toEqual({ A: 'secret undefined', IP: 'pod undefined' })
    expect(isWhole).toBe(true)
  })

  it('puts variables in the places that name them, as far as they are known', () => {
    const { values } = read(
      '{ env: [{ name: HOST, value: db }, { name: P, valueFrom: { secretKeyRef: { name: s, key: S } } }, { name: U, value: "http://$(HOST):80/$$(HOST)/$(NONE)" }, { name: W, value: "$(P)@$(HOST)" }] }',
    )
    expect(values).toMatchObject({ U: 'value http://db:80/$(HOST)/$(NONE)', W: 'value undefined' })
  })

  it('tells a key that is not there, unless it is optional', () => {
    const reference = (more: string) =>
      `{ env: [{ name: A, valueFrom: { configMapKeyRef: { name: c, key: a${more} } } }] }`
    expect(read(reference(''), configMap).broken).toMatchObject([{ source: 'ConfigMap/c', key: 'a' }])
    expect(read(reference(', optional: true'), configMap)).toMatchObject({ broken: [], values: {} })
  })

  it.each([
    ['a ConfigMap that is not at hand', '{ envFrom: [{ configMapRef: { name: other } }] }', false],
    ['mounted settings', '{ volumeMounts: [{ name: config, mountPath: /etc/user }] }', false],
    ['an empty folder', '{ volumeMounts: [{ name: tmp, mountPath: /tmp }] }', true],
  ])('knows whether there may be others: %s', (_what, container, isWhole) => {
    expect(read(container, configMap).isWhole).toBe(isWhole)
  })
})
