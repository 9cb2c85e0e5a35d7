import { defineService, list, secret, text } from '@tenon/core'
import { etcdRegistry, etcdSource } from '@tenon/registry-etcd'

export const service = defineService({
  name: 'user',
  version: '1.0.0',
  config: {
    endpoints: list('ETCD_ENDPOINTS', ['127.0.0.1:2379']),
    user: text('ETCD_USER', 'service'),
    password: secret(text('ETCD_PASSWORD')),
  },
  handlers: [],
  registry: ({ endpoints, user, password }) => etcdRegistry({ endpoints, user, password }),
})

export const settings = etcdSource({ endpoints: ['127.0.0.1:2379'], prefix: '/config/user/' })
