import { listItems } from './header-list.ts'

/**
 * A version as an entity tag: quoted, with whatever a tag cannot hold percent-encoded, so that every text may be a version.
 *
 * @param version Text or a whole number; nothing else is a version.
 * @see RFC 9110 section 8.8.3
 */
export function toEntityTag(version: unknown): string | undefined {
  if (typeof version === 'string') return `"${version.replaceAll(outsideOfTags, encodeURIComponent)}"`
  if (typeof version === 'number' || typeof version === 'bigint') return `"${version}"`
  return undefined
}

export interface EntityTag {
  readonly isWeak: boolean
  /** What `toEntityTag()` was given, as text. */
  readonly version: string
}

/** The tags of an `If-Match` or `If-None-Match`; undefined for what is no list of them, as `*` is. */
export function readEntityTags(header: string): readonly EntityTag[] | undefined {
  const tags: EntityTag[] = []
  for (const item of listItems(header, 'entity-tag')) {
    const match = tagForm.exec(item)
    if (match === null) return undefined
    tags.push({ isWeak: match[1] !== undefined, version: decode(match[2] ?? '') })
  }
  return tags
}

const tagForm = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/

/**
 * Whether an `If-None-Match` names the tag, or everything.
 *
 * @see RFC 9110 section 13.1.2: weakness makes no difference
 */
export function isListed(header: string, tag: string): boolean {
  if (header === tag || header.trim() === '*') return true
  const [version] = (readEntityTags(tag) ?? []).map((own) => own.version)
  return readEntityTags(header)?.some((listed) => listed.version === version) ?? false
}

/** Besides what no tag may hold, the sign that an encoding begins with. */
const outsideOfTags = /[^\x21\x23\x24\x26-\x7e]/gu

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Nothing that we have sent.
    return text
  }
}
