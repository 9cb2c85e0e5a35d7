import 'reflect-metadata'
import { Controller, Module, ValidationPipe } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { EventPattern, type KafkaOptions, Payload, Transport } from '@nestjs/microservices'
import { Type } from 'class-transformer'
import { ArrayMinSize, IsArray, IsInt, IsNumber, IsString, Max, Min, MinLength, ValidateNested } from 'class-validator'
import { serveTurns } from '../../src/server/queue-turn.ts'
import { benchTopic, handleOrder } from '../../src/server/queue-work.ts'
import { ready } from '../../src/server/ready.ts'

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

class Order {
  @IsNumber()
  sentAt!: number

  @IsString()
  userId!: string

  @IsString()
  note!: string

  @IsArray()
  @ArrayMinSize(1)
  @ValidateNested({ each: true })
  @Type(() => Item)
  items!: Item[]
}

const asOrder = new ValidationPipe({ transform: true, whitelist: true, expectedType: Order })
let told: () => void = () => undefined

@Controller()
class OrderController {
  @EventPattern(benchTopic)
  onOrderPlaced(@Payload(asOrder) order: Order) {
    handleOrder(order)
    told()
  }
}

@Module({ controllers: [OrderController] })
class OrderModule {}

serveTurns(async ({ group }, handled) => {
  told = handled
  const options: KafkaOptions = {
    transport: Transport.KAFKA,
    options: {
      client: { brokers: (process.env['KAFKA_BROKERS'] ?? '').split(','), clientId: 'bench' },
      consumer: { groupId: group, maxWaitTimeInMs: 500 },
      subscribe: { fromBeginning: true },
    },
  }
  const app = await NestFactory.createMicroservice(OrderModule, { ...options, logger: false })
  await app.listen()
  return () => app.close()
})
ready(0)
