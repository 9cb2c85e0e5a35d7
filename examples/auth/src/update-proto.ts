import { updateProto } from '@tenon/transport-grpc'
import { auth } from './auth-contract.ts'

await updateProto(auth)
