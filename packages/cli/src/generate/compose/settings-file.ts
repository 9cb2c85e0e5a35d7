import type { SettingDescription } from '@tenon/core'
import type { GeneratedFile } from '../generated-file.ts'
import { type ComposedService, settingsFileOf } from './composed-service.ts'

/** The file of a service for what the compose file cannot know: every other setting, those that it cannot start without on lines of their own. */
export function settingsFile(
  { description }: ComposedService,
  composed: Readonly<Record<string, unknown>>,
): GeneratedFile {
  const open = description.settings.filter(({ variable }) => !(variable in composed))
  const head = [
    `# Settings of ${description.name} on this machine. This file is yours: it is written once.`,
    '# What is set here is not set in compose.yaml any more when that is generated again.',
    '# Keep it out of version control once it has a secret.',
  ]
  const text = [head, ...open.map(settingLines), logLevel].map((lines) => `${lines.join('\n')}\n`).join('\n')
  return { path: settingsFileOf(description), text, isStarter: true }
}

function settingLines({ variable, expected, isRequired, isSecret, fallback }: SettingDescription): readonly string[] {
  const facts = [expected, ...(isSecret ? ['a secret'] : []), ...(isRequired ? ['it cannot start without'] : [])]
  return [`# ${facts.join('; ')}`, isRequired ? `${variable}=` : `#${variable}=${isSecret ? '' : textOf(fallback)}`]
}

const logLevel = ['# trace, debug, info, warn, error or silent', '#LOG_LEVEL=info']

/** As a variable says it: lists are separated by commas. */
function textOf(fallback: unknown): string {
  if (Array.isArray(fallback)) return fallback.map(textOf).join(',')
  if (fallback === undefined) return ''
  return typeof fallback === 'string' ? fallback : JSON.stringify(fallback)
}
