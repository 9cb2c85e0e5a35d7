export { isSecret, secret } from '../schema/secret.ts'
