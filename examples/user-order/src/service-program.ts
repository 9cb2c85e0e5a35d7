/** One service of the shop, by the name that it is given. Ends with the process that started it, whatever ended that. */
const services = {
  user: () => import('@shop/user-service'),
  order: () => import('@shop/order-service'),
}

const [, , name = ''] = process.argv
const load = Object.entries(services).find(([known]) => known === name)?.[1]
if (load === undefined) throw new Error(`expected the name of a service, found "${name}"`)
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
const { service } = await load()
await service.run({ onReady: ({ addresses }) => process.send?.(addresses) })
// The channel alone must not keep the process up.
process.channel?.unref()
