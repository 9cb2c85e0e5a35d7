/** Tells the measuring process that this program serves, and answers its questions about usage. */
export function ready(port: number): void {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss() })
  })
  // Ends with the measuring process, however that ends.
  process.on('disconnect', () => process.exit())
  process.send?.({ port })
}
