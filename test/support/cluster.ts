/**
 * Why tests of a cluster are skipped; undefined when they run. `TENON_REQUIRE_INFRA=1` makes what is missing fail instead, but for
 * `TENON_CLUSTER=none`, by which a pipeline says that it has no cluster.
 */
export function clusterAbsence(): string | undefined {
  const { KUBECONFIG, TENON_CLUSTER, TENON_REQUIRE_INFRA } = process.env
  if (TENON_CLUSTER === 'none') return 'TENON_CLUSTER=none: there is no cluster'
  return KUBECONFIG === undefined && TENON_REQUIRE_INFRA !== '1' ? 'KUBECONFIG is not set' : undefined
}
