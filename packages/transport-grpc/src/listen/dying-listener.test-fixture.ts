import { createServer } from 'node:net'

// Listens at the socket that it is told, until it is killed.
const [path] = process.argv.slice(2)
createServer().listen({ path }, () => process.send?.('listening'))
