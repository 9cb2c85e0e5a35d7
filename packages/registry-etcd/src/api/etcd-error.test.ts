import { describe, expect, it } from 'vitest'
import { EtcdError } from './etcd-error.ts'

const of = (status: string, details: string) =>
  new EtcdError({ address: '127.0.0.1:2379', asked: 'put /tenon/services/user/1', status, details })

describe('EtcdError', () => {
  it.each([
    [
      'PERMISSION_DENIED',
      'etcdserver: permission denied',
      'etcd at 127.0.0.1:2379 did not put /tenon/services/user/1: permission denied: grant a role of the user readwrite on these keys, or read where it only watches',
    ],
    [
      'INVALID_ARGUMENT',
      'etcdserver: user name is empty',
      'etcd at 127.0.0.1:2379 did not put /tenon/services/user/1: user name is empty: its authentication is enabled: give user and password',
    ],
    [
      'UNAVAILABLE',
      'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:2379. Resolution note: ',
      'etcd at 127.0.0.1:2379 cannot be reached to put /tenon/services/user/1: connect ECONNREFUSED 127.0.0.1:2379',
    ],
    [
      'UNAVAILABLE',
      'No connection established. Last error: Error: self-signed certificate in certificate chain',
      'etcd at 127.0.0.1:2379 cannot be reached to put /tenon/services/user/1: self-signed certificate in certificate chain: check tls.ca and tls.serverName, or tls.cert and tls.key',
    ],
    [
      'DEADLINE_EXCEEDED',
      'Deadline exceeded after 5.001s,remote_addr=127.0.0.1:2379',
      'etcd at 127.0.0.1:2379 did not answer in time when asked to put /tenon/services/user/1',
    ],
    [
      'INTERNAL',
      'Received RST_STREAM',
      'etcd at 127.0.0.1:2379 did not put /tenon/services/user/1: INTERNAL, Received RST_STREAM',
    ],
  ])('says of %s "%s" where, what and why', (status, details, message) => {
    expect(of(status, details).message).toBe(message)
  })

  it.each([
    ['UNAVAILABLE', 'etcdserver: no leader', true],
    ['DEADLINE_EXCEEDED', 'Deadline exceeded', true],
    ['FAILED_PRECONDITION', 'etcdserver: rpc not supported for learner', true],
    ['PERMISSION_DENIED', 'etcdserver: permission denied', false],
    ['RESOURCE_EXHAUSTED', 'etcdserver: mvcc: database space exceeded', false],
    ['UNAUTHENTICATED', 'etcdserver: invalid auth token', false],
  ])('knows whether another member may do better: %s, %s', (status, details, expected) => {
    expect(of(status, details).isOfMember).toBe(expected)
  })
})
