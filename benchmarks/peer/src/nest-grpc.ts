import 'reflect-metadata'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Controller, Module, ValidationPipe } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { GrpcMethod, type MicroserviceOptions, Payload, Transport } from '@nestjs/microservices'
import { Type } from 'class-transformer'
import { ArrayMinSize, IsArray, IsInt, IsString, Max, MaxLength, Min, MinLength, ValidateNested } from 'class-validator'
import { from } from 'rxjs'
import { listItems } from '../../src/server/item-work.ts'
import { ready } from '../../src/server/ready.ts'
import { findUser, placeOrder } from '../../src/server/shop-work.ts'

class Item {
  @IsString()
  @MinLength(1)
  @MaxLength(32)
  sku!: string

  @IsString()
  @MinLength(1)
  name!: string

  @IsInt()
  @Min(1)
  @Max(1_000)
  quantity!: number

  @IsInt()
  @Min(0)
  @Max(1_000_000_000)
  unitPriceCents!: number

  @IsArray()
  @IsString({ each: true })
  labels!: string[]
}

class NewOrder {
  @IsString()
  userId!: string

  @IsArray()
  @ArrayMinSize(1)
  @ValidateNested({ each: true })
  @Type(() => Item)
  items!: Item[]
}

/** The validation that NestJS's guide shows; it also drops undeclared fields, as Tenon does. */
const asOrder = new ValidationPipe({ transform: true, whitelist: true, expectedType: NewOrder })

@Controller()
class ShopController {
  @GrpcMethod('ShopService', 'GetUser')
  getUser({ userId }: { readonly userId: string }) {
    return findUser(userId)
  }

  @GrpcMethod('ShopService', 'PlaceOrder')
  placeOrder(@Payload(asOrder) order: NewOrder) {
    return placeOrder(order)
  }

  @GrpcMethod('ShopService', 'ListItems')
  listItems({ count }: { readonly count: number }) {
    return from(listItems(count))
  }
}

@Module({ controllers: [ShopController] })
class ShopModule {}

const port = await freePort()
const app = await NestFactory.createMicroservice<MicroserviceOptions>(ShopModule, {
  transport: Transport.GRPC,
  options: {
    url: `127.0.0.1:${port}`,
    package: 'bench.v1',
    protoPath: fileURLToPath(new URL('../../shop.proto', import.meta.url)),
  },
  logger: false,
})
await app.listen()
ready(port)

/** NestJS does not tell which port it was given. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: found } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return found
}
