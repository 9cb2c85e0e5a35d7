import 'reflect-metadata'
import { Body, Controller, Get, Module, Param, Post, ValidationPipe } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { Type } from 'class-transformer'
import { ArrayMinSize, IsArray, IsInt, IsString, Max, Min, MinLength, ValidateNested } from 'class-validator'
import { ready } from '../../src/server/ready.ts'
import { findUser, placeOrder } from '../../src/server/shop-work.ts'

class Item {
  @IsString()
  @MinLength(1)
  sku!: string

  @IsInt()
  @Min(1)
  @Max(1_000)
  quantity!: number

  @IsInt()
  @Min(0)
  @Max(1_000_000_000)
  unitPriceCents!: number
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

/** The validation that NestJS's guide shows; it also drops undeclared fields, as the others here do. */
const asOrder = new ValidationPipe({ transform: true, whitelist: true, expectedType: NewOrder })

@Controller()
class ShopController {
  @Get('users/:userId')
  getUser(@Param('userId') userId: string) {
    return findUser(userId)
  }

  @Post('orders')
  placeOrder(@Body(asOrder) order: NewOrder) {
    return placeOrder(order)
  }
}

@Module({ controllers: [ShopController] })
class ShopModule {}

const app = await NestFactory.create<NestFastifyApplication>(ShopModule, new FastifyAdapter(), { logger: false })
await app.listen(0, '127.0.0.1')
ready(Number(new URL(await app.getUrl()).port))
