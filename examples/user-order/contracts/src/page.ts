import { Type } from '@tenon/core/typebox'

/**
 * The input fields of an operation that lists page by page. A token is opaque: send back the `nextPageToken` of the page
 * before, together with the same filters.
 *
 * @see Google AIP-158, pagination
 */
export const pageFields = {
  pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: '20 when left out.' })),
  pageToken: Type.Optional(
    Type.String({ minLength: 1, maxLength: 500, description: 'The `nextPageToken` of the page before.' }),
  ),
}

/** The output field that leads to the next page; left out on the last one. */
export const nextPageToken = Type.Optional(
  Type.String({ description: 'Leads to the next page; left out on the last one.' }),
)
