import { transform } from 'esbuild'

/** The part of a Vite plugin that this one uses; described here so that users of Vite 7 and 8 both fit. */
interface DecoratorPlugin {
  readonly name: string
  readonly enforce: 'pre'
  readonly transform: {
    readonly filter: { readonly id: RegExp }
    handler(code: string, id: string): Promise<{ code: string; map: string } | undefined>
  }
}

/**
 * Makes TypeScript files with standard decorators or `accessor` run under vitest, with error lines and coverage that
 * point at the source. Other files are left to Vite.
 *
 * @see TC39 decorators proposal: Vite 8 compiles with oxc, which lowers only the legacy decorators.
 */
export function standardDecorators(): DecoratorPlugin {
  return {
    name: 'tenon:standard-decorators',
    enforce: 'pre',
    transform: { filter: { id: /\.[cm]?tsx?(?:\?|$)/ }, handler: compile },
  }
}

async function compile(code: string, id: string): Promise<{ code: string; map: string } | undefined> {
  if (!code.includes('@') && !code.includes('accessor')) return undefined
  const file = id.split('?', 1)[0] ?? id
  const loader = file.endsWith('x') ? 'tsx' : 'ts'
  const result = await transform(code, { loader, target: 'es2022', sourcemap: 'external', sourcefile: file })
  return { code: result.code, map: result.map }
}
