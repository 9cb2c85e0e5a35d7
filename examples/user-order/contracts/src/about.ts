/** What the OpenAPI documents of all services say of the shop. */
export const about = {
  contact: { name: 'The shop', url: 'https://shop.example.com', email: 'api@shop.example.com' },
  license: { name: 'MIT', identifier: 'MIT' },
}
