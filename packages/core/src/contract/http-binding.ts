import type { HttpRoute, RouteText } from './route.ts'
import type { StreamBinding, StreamSettings } from './stream-binding.ts'

/**
 * How an operation is reached over HTTP. Each field of the input has one place: the path, a header, a cookie, the query or the
 * body; another value for it anywhere else is `invalid_argument` with the rule `location`.
 */
export interface HttpBinding extends StreamBinding {
  /** Verb and path; several lead to the same operation, and clients use the first. */
  readonly route: RouteText | readonly RouteText[]
  /**
   * Status of a successful reply. 301, 302, 303, 307 and 308 send no body and need `location`, the only field that may be required.
   * 204 and 205 send none either: their output is nothing, or an object without required fields, which callers get as `{}`.
   *
   * @defaultValue 200, or 204 when the output has no content
   * @remarks 200–299, 301, 302, 303, 307 or 308
   */
  readonly status?: number
  /** Input fields read from the query although the verb has a body. */
  readonly query?: readonly string[]
  /**
   * Input fields read from request headers, each with the lower-case name of its header: `{ tenantId: 'x-tenant-id' }`.
   *
   * Text is UTF-8, read as the field's type. A list is separated by commas or given by repeating the header; an item with a comma
   * in it stands in double quotes. `if-match` and `if-none-match` carry versions, whose quotes are taken off; `*` is no value in
   * `if-match`, as is an absent header, and the text `*` in `if-none-match`, where it means that nothing must be there yet.
   *
   * @see RFC 9110 section 5.6.1 on lists, section 13.1 on `If-Match` and `If-None-Match`
   */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Input fields read from cookies, each with the name of its cookie. The value is percent-decoded, then read as the field's type.
   *
   * @see RFC 6265 section 4.2
   */
  readonly cookies?: Readonly<Record<string, string>>
  /** The input field that is the whole JSON body. All fields without another place are then read from the query. */
  readonly body?: string
  /**
   * The text field of the output that is sent as `Location`, with a redirect, 201 or 202: a URI reference. What an address cannot
   * hold is percent-encoded in the header, and a redirect's caller gets it so: `/\u00e9` as `/%C3%A9`.
   *
   * @see RFC 9110 section 10.2.2, and RFC 3986 section 2
   */
  readonly location?: string
  /**
   * The field of the output, text or a whole number, that is its version, sent as `ETag`. A GET or HEAD whose `If-None-Match`
   * names it is answered 304. Where a write takes the version it expects from `if-match`, let its handler throw
   * `failed_precondition` with the reason `version_mismatch`: it is answered 412.
   *
   * @see RFC 9110 section 8.8.3 and section 13
   */
  readonly etag?: string
}

/** An input field that is read from a header or a cookie of this name. */
export interface NamedField {
  readonly field: string
  readonly name: string
}

/** A route with the division of the input's fields that goes with it. */
export interface HttpBoundRoute extends HttpRoute {
  /** Input fields read from the query string. */
  readonly query: readonly string[]
  /** Whether the fields that have no other place come from the body: JSON, or for an input stream its lines, bytes or parts. */
  readonly hasBody: boolean
}

/** How an operation is reached over HTTP, taken apart. The data of a route are those of the first one. */
export interface HttpOperation extends HttpBoundRoute, StreamSettings {
  /** All routes, the first included. */
  readonly routes: readonly HttpBoundRoute[]
  readonly status: number
  readonly headers: readonly NamedField[]
  readonly cookies: readonly NamedField[]
  /** The input field that is the whole JSON body; undefined where the body is the rest of the input. */
  readonly body: string | undefined
  /** The output field sent as `Location`. */
  readonly location: string | undefined
  /** The output field sent as `ETag`. */
  readonly etag: string | undefined
}

/** The statuses that send a caller elsewhere. @see RFC 9110 section 15.4 */
export const redirectStatuses: readonly number[] = Object.freeze([301, 302, 303, 307, 308])
