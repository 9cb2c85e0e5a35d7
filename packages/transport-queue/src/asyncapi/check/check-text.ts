import { optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'

/** Says what is wrong with options of a document, by their path. */
export const check = optionCheck('asyncapi()')

/** Text that is not empty; what is left out is right. */
export function checkText(name: string, value: unknown): readonly SetupProblem[] {
  if (value === undefined || (typeof value === 'string' && value !== '')) return []
  return [check.malformed(`${name} must be text that is not empty, found ${toFound(value)}`)]
}

/** The address of a page; what is left out is right. */
export function checkLink(name: string, value: unknown): readonly SetupProblem[] {
  if (value === undefined || isAddress(linkForm, value)) return []
  return [check.malformed(`${name} must be an address such as https://example.com/about, without a user`)]
}

/** The address of an endpoint, which may hold no secret: so it has no query. What is left out is right. */
export function checkEndpoint(name: string, value: unknown): readonly SetupProblem[] {
  if (value === undefined || isAddress(endpointForm, value)) return []
  // What it holds is not shown, for it may be a password.
  const expected = 'an address such as https://id.example.com/token, without a user and without a query'
  return [check.malformed(`${name} must be ${expected}`)]
}

/** The name of a server or a scheme. */
export function checkKey(where: string, name: string): readonly SetupProblem[] {
  if (keyForm.test(name)) return []
  return [check.malformed(`${where}: "${name}" must be a name of letters, digits, ".", "_" and "-"`)]
}

/** @see AsyncAPI 3.0.0, components object: the form of its keys */
const keyForm = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

/** @see RFC 3986, sections 3.2 to 3.5; the user and the addresses in brackets are left out */
const unit = String.raw`(?:[\w.~:@!$&'()*+,;=/-]|%[\dA-Fa-f]{2})`
const endpointText = String.raw`https?:\/\/[\w.-]+(?::\d+)?(?:\/${unit}*)?`
const endpointForm = new RegExp(`^${endpointText}$`)
const linkForm = new RegExp(String.raw`^${endpointText}(?:\?(?:${unit}|\?)*)?(?:#(?:${unit}|\?)*)?$`)

function isAddress(form: RegExp, value: unknown): boolean {
  return typeof value === 'string' && form.test(value) && URL.canParse(value)
}
