import type { HttpRoute } from '../route/route-table.ts'

/** The routes as if their contracts had put them below the prefix. */
export function mountBelow(pathPrefix: string, routes: readonly HttpRoute[]): readonly HttpRoute[] {
  if (pathPrefix === '') return routes
  const above = pathPrefix
    .slice(1)
    .split('/')
    .map((text) => ({ parameter: undefined, text }))
  return routes.map((route) => {
    const { http } = route
    const path = `${pathPrefix}${http.path}`
    return { ...route, http: { ...http, path, segments: [...above, ...http.segments] } }
  })
}
