import type { DescField, DescFile, DescMessage, DescMethod } from '@bufbuild/protobuf'

/** What the comments of `.proto` files say. */
export interface Commentary {
  /** The comment before a declaration; undefined where there is none, or none was kept. */
  of(desc: DescMessage | DescField | DescMethod): string | undefined
}

/**
 * Finds comments in the source information of descriptors: `buf build` and `protoc --include_source_info` keep it, generated
 * code does not have it.
 *
 * @see google/protobuf/descriptor.proto, SourceCodeInfo
 */
export function createCommentary(): Commentary {
  const files = new Map<DescFile, ReadonlyMap<string, string>>()
  return {
    of: (desc) => {
      const file = fileOf(desc)
      const comments = files.get(file) ?? readComments(file)
      files.set(file, comments)
      return comments.size === 0 ? undefined : comments.get(pathOf(desc).join())
    },
  }
}

/** A comment as one sentence, its first paragraph, and what comes after it. */
export interface Remarks {
  readonly summary?: string
  readonly description?: string
}

export function toRemarks(comment: string | undefined): Remarks {
  if (comment === undefined) return {}
  const [summary = '', ...rest] = comment.split(/\n\s*\n/)
  const description = rest.join('\n\n').trim()
  return { summary: summary.replaceAll(/\s*\n\s*/g, ' '), ...(description === '' ? {} : { description }) }
}

function readComments({ proto }: DescFile): ReadonlyMap<string, string> {
  const found = (proto.sourceCodeInfo?.location ?? []).flatMap(({ path, leadingComments }) => {
    const text = leadingComments
      .split('\n')
      .map((line) => line.replace(/^ /, '').trimEnd())
      .join('\n')
      .trim()
    return text === '' ? [] : [[path.join(), text] as const]
  })
  return new Map(found)
}

function fileOf(desc: DescMessage | DescField | DescMethod): DescFile {
  if (desc.kind === 'message') return desc.file
  return desc.parent.file
}

/** Field numbers of FileDescriptorProto and what it holds. */
const place = { message: 4, service: 6, field: 2, method: 2, nested: 3 } as const

function pathOf(desc: DescMessage | DescField | DescMethod): readonly number[] {
  if (desc.kind === 'rpc') {
    const { parent } = desc
    return [place.service, parent.file.services.indexOf(parent), place.method, parent.methods.indexOf(desc)]
  }
  if (desc.kind === 'field') return [...pathOf(desc.parent), place.field, fieldIndex(desc)]
  return desc.parent
    ? [...pathOf(desc.parent), place.nested, desc.parent.proto.nestedType.indexOf(desc.proto)]
    : [place.message, desc.file.proto.messageType.indexOf(desc.proto)]
}

function fieldIndex({ parent, proto }: DescField): number {
  return parent.proto.field.indexOf(proto)
}
