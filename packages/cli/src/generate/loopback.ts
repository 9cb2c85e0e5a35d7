/** Whether only the pod or container itself is reached there; `127.1` is 127.0.0.1. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d+){1,3}$/.test(host)
}
