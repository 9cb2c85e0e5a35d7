/**
 * What a transport may lack, each with the sentence that says what having it means. A case names those it needs; a transport
 * that lacks one says why.
 */
export const features = {
  'input.text': 'fields can come as text, as in a path or a query, and are read as the type of their schema',
  'input.any_type': 'a caller can send a value of another type than the schema says',
  'input.any_name': 'a caller can send a field of any name',
  'input.null': 'null is told from an absent field',
  'input.half_pair': 'half of a surrogate pair reaches the service as it is, which names the field',
  'input.absent_list': 'an absent list, and an absent record, is told from an empty one',
  'schema.union': 'a field may have one of several types',
  'schema.recursive': 'a schema may contain itself',
  output: 'the caller receives what the handler returns',
  'error.to_caller': 'the caller is told of failures, and nobody else',
  'error.details': 'what is wrong with the input, and when to try again, is told with the code',
  'error.own_details': 'further details of an error travel with it',
  headers: 'a handler can send headers with its reply',
  trailers: 'a handler can send metadata behind its reply',
  'metadata.binary': 'bytes can travel as metadata, under a name that ends in `-bin`',
  access: 'the caller is asked who it is',
  'deadline.caller': 'a caller can say how long it waits',
  'cancel.caller': 'a caller can leave before it is answered',
  'cancel.held_back': 'a caller that cannot send on, because nobody reads, is seen to leave',
  'limit.refusal': 'a call beyond the limits of the service is refused',
  'limit.size': 'an input that is larger than the transport is set to take is refused',
  'drain.refusal': 'a call that comes while the service drains is refused',
  'stream.output': 'an operation may answer with any number of items',
  'stream.input': 'an operation may be called with any number of items',
  'stream.both': 'any number of items may go both ways at once',
} as const satisfies Readonly<Record<string, string>>

/** Something that a transport may lack. */
export type Feature = keyof typeof features

/** What a transport cannot do, each with the reason. */
export type Lacks = { readonly [Name in Feature]?: string }
