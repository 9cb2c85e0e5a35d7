import { fastify } from 'fastify'
import { ready } from './ready.ts'

const app = fastify({ logger: false })
app.get<{ Params: { name: string } }>('/hello/:name', async ({ params }) => ({ text: `hello ${params.name}` }))
await app.listen({ host: '127.0.0.1', port: 0 })
ready(0)
