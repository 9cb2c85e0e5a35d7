import type { Rule } from '../finding.ts'
import { imageOf } from '../manifest/container.ts'

const imageTag: Rule = {
  id: 'image-not-pinned',
  severity: 'error',
  find: ({ container, service }) => {
    const image = imageOf(container)
    if (image === undefined || image.hasDigest || (image.tag !== undefined && image.tag !== 'latest')) return []
    const found = image.tag === undefined ? 'no tag, which is latest' : 'the tag latest'
    const message = `the image has ${found}: pods of one Deployment may run different code, and a rollback brings back nothing`
    return [
      {
        at: container.at('image'),
        message,
        fix: `a tag of the version such as ${image.name}:${service.version}, or a digest`,
      },
    ]
  },
}

const shellCommand: Rule = {
  id: 'signals-do-not-arrive',
  severity: 'error',
  find: ({ container }) => {
    const words = [...container.at('command').items, ...container.at('args').items].map((word) => word.shown ?? '')
    const [first, ...rest] = withoutInit(words)
    const program = first?.split('/').at(-1) ?? ''
    const isShell =
      shells.has(program) && rest.some((word) => /^-\w*c/.test(word)) && !rest.some((word) => /\bexec\s/.test(word))
    if (!isShell && !runners.has(program)) return []
    const message = `the first process is ${program}, which does not pass SIGTERM on as it came: the service is killed at the end of the grace period`
    const at = container.at('command').isSet ? container.at('command') : container.at('args')
    return [
      {
        at,
        message,
        fix: isShell
          ? 'command: [node, …], or exec before the command of the shell'
          : 'command: [node, …] with the file that the script runs',
      },
    ]
  },
}

export const imageRules: readonly Rule[] = [imageTag, shellCommand]

const shells = new Set(['sh', 'bash', 'ash', 'dash'])
const runners = new Set(['npm', 'npx', 'yarn', 'pnpm'])

/** Without an init such as `tini --`, which passes signals on. */
function withoutInit(words: readonly string[]): readonly string[] {
  const isInit = /^(tini|dumb-init|catatonit)$/.test(words[0]?.split('/').at(-1) ?? '')
  if (!isInit) return words
  const place = words.indexOf('--')
  return words.slice(place === -1 ? 1 : place + 1)
}
