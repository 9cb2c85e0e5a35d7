import type { Names } from './names.ts'

/** A Service that Prometheus finds the pods by, and what tells it so. For the operator of Prometheus. */
export function serviceMonitor({ metricsService, labels, selector }: Names, metricsPort: number): readonly object[] {
  const component = { 'app.kubernetes.io/component': 'metrics' }
  const metadata = { name: metricsService, labels: { ...labels, ...component } }
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        selector,
        ports: [{ name: 'metrics', port: metricsPort, targetPort: metricsPort, appProtocol: 'http' }],
      },
    },
    {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata,
      spec: { selector: { matchLabels: { ...selector, ...component } }, endpoints: [{ port: 'metrics' }] },
    },
  ]
}
