const order = JSON.stringify({
  userId: 'u1',
  items: [
    { sku: 'tea', quantity: 2, unitPriceCents: 1050 },
    { sku: 'cup', quantity: 1, unitPriceCents: 300 },
    { sku: 'pot', quantity: 7, unitPriceCents: 99 },
  ],
})

/** A whole request, head and body, and the status it must be answered with. */
export interface HttpRequest {
  readonly name: string
  readonly request: string
  readonly expectedStatus: number
}

export const getById: HttpRequest = {
  name: 'HTTP GET with a path parameter',
  request: 'GET /users/u42 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n',
  expectedStatus: 200,
}

export const validatedPost: HttpRequest = {
  name: 'HTTP POST, validated, nested items',
  request: `POST /orders HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${order.length}\r\n\r\n${order}`,
  expectedStatus: 201,
}
