import type { OptionCheck, SetupProblem } from '@tenon/core/transport'

/** What is wrong with an address that credentials depend on: it is `https:`, or `http:` to this host unless more is allowed. */
export function checkUrl(
  url: URL,
  { name, allowHttp }: { readonly name: string; readonly allowHttp: boolean },
  check: OptionCheck,
): readonly SetupProblem[] {
  if (url.username !== '' || url.password !== '')
    return [check.malformed(`${name} must be an address without a password`)]
  if (url.protocol === 'https:') return []
  if (url.protocol === 'http:' && (allowHttp || isLoopback(url))) return []
  const found = `${url.protocol}//${url.host}`
  return [check.malformed(`${name} must be an https: address, or http: on this host, found ${found}`)]
}

/** The host of a URL is written in one way only, whatever way somebody wrote it. */
function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
