import { ContractError } from '@tenon/core/transport'
import { describe, expect, test } from 'vitest'
import { checkLock } from '../lock/check-lock.ts'
import { readLock } from './read-lock.ts'
import { writeLock } from './write-lock.ts'

const head = 'syntax = "proto3";\n\npackage shop.user.v1;\n'
const service = '\nservice UserService {\n  rpc GetUser(GetUserRequest) returns (stream GetUserResponse);\n}\n'
const whole = (body: string) =>
  `${head}${service}\nmessage GetUserRequest {\n${body}\n}\n\nmessage GetUserResponse {}\n`

const withoutHeader = (text: string) => text.slice(text.indexOf('syntax'))

test('what is written is read, and written the same', () => {
  const text = `syntax = "proto3";

package shop.user.v1;

import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";

option go_package = "shop/user/v1;userv1";

service UserService {
  rpc GetUser(GetUserRequest) returns (stream GetUserResponse) {
    option deprecated = true;
  }
  rpc PutUsers(stream GetUserRequest) returns (GetUserResponse);
}

message GetUserRequest {
  reserved 2, 5 to 7, 100 to max;
  reserved "age", "size";

  optional string user_id = 1;
  optional int64 old_name = 3 [deprecated = true];
  optional bytes photo = 4 [
    deprecated = true,
    json_name = "PHOTO"
  ];
  map<string, google.protobuf.Value> labels = 8;
  repeated Line lines = 9;
  Shape shape = 10;
  google.protobuf.Timestamp at = 11;
  optional State state = 12;

  enum State {
    reserved 2;
    reserved "STATE_HALF";

    STATE_UNSPECIFIED = 0;
    STATE_ON = 1;
  }

  message Line {
    GetUserRequest parent = 1;
  }

  message Shape {
    oneof kind {
      Circle circle = 1;
      google.protobuf.NullValue null_value = 2;
    }

    message Circle {
      optional double radius = 1;
    }
  }
}

message GetUserResponse {}
`
  const file = readLock(text, 'user.proto')
  checkLock(file, 'user.proto')
  expect(withoutHeader(writeLock(file))).toBe(text)
})

test('a file that somebody wrote otherwise is read all the same', () => {
  const text = `/* a header
*/ syntax='proto3';package shop.user.v1;
service UserService{rpc GetUser (.shop.user.v1.GetUserRequest) returns(stream v1.GetUserResponse){};}
message GetUserRequest{string a=0x1;;repeated int32 b = 010 [deprecated=false] ; reserved 3 ; reserved "c","d"; } // the end
message GetUserResponse { }`
  const { service: read, messages } = readLock(text, 'user.proto')
  expect(read.methods[0]).toMatchObject({
    request: 'shop.user.v1.GetUserRequest',
    response: 'shop.user.v1.GetUserResponse',
    isResponseStream: true,
  })
  expect(messages[0]).toMatchObject({
    fields: [
      { name: 'a', number: 1, label: 'optional', jsonName: 'a' },
      { name: 'b', number: 8, label: 'repeated' },
    ],
    reserved: { ranges: [[3, 3]], names: ['c', 'd'] },
  })
})

function problemOf(text: string): string {
  try {
    checkLock(readLock(text, 'user.proto'), 'user.proto')
  } catch (error) {
    if (error instanceof ContractError)
      return error.problems.map(({ code, message }) => `${code} ${message}`).join('\n')
    throw error
  }
  return ''
}

describe('what cannot be read is told with its line', () => {
  test.each([
    ['an empty file', '', 'line 1: expected syntax, found the end of the file'],
    ['another syntax', 'syntax = "proto2";', 'line 1: expected syntax "proto3", found "proto2"'],
    ['a conflict of git', whole('<<<<<<< HEAD\n  string a = 1;'), 'line 10: expected a name, found <'],
    ['a file that ends early', whole('  string a = 1;').slice(0, -35), 'found the end of the file'],
    ['a text without an end', whole('  reserved "a;\n'), '" is no word of proto3'],
    ['a missing number', whole('  string a;'), 'line 10: expected =, found ;'],
    ['a number that is none', whole('  string a = one;'), 'line 10: expected a number, found one'],
    ['an option that would be lost', whole('  string a = 1 [(rule) = true];'), 'line 10: expected deprecated, found ('],
    ['an option of a message', whole('  option deprecated = true;'), 'line 10: expected'],
    [
      'a map with keys of another type',
      whole('  map<int32, string> a = 1;'),
      'expected a map with keys of type string, found int32',
    ],
    ['a second service', `${whole('')}${service}`, 'a second service'],
    [
      'a range that ends before it begins',
      whole('  reserved 9 to 3;'),
      'line 10: expected a range from its smallest number on, found 9 to 3',
    ],
    ['a second package', `${head}package shop.item.v1;`, 'line 4: a second package'],
    ['no service', head, 'there is no service'],
    ['no package', whole('').replace('package shop.user.v1;', ''), 'there is no package'],
    ['an extension', `${head}extend Foo {}`, 'expected package, import, option, service or message, found extend'],
  ])('%s', (_, text, expected) => {
    const problem = problemOf(text)
    expect(problem).toMatch(/^contract\.proto user\.proto, line \d+: /)
    expect(problem).toContain(expected)
  })
})

describe('what two branches may have done to it when they were merged is told', () => {
  test.each([
    [
      'a number twice',
      '  string a = 1;\n  string b = 1;',
      'a and b of shop.user.v1.GetUserRequest both have the number 1',
    ],
    ['a name twice', '  string a = 1;\n  string a = 2;', 'shop.user.v1.GetUserRequest has a twice'],
    [
      'a reserved number',
      '  reserved 1 to 3;\n  string a = 2;',
      'a of shop.user.v1.GetUserRequest has the number 2, which is reserved',
    ],
    ['a reserved name', '  reserved "a";\n  string a = 2;', 'a of shop.user.v1.GetUserRequest is reserved too'],
    ['a number that no field can have', '  string a = 19000;', 'has the number 19000, which no field can have'],
    ['the number zero', '  string a = 0;', 'has the number 0, which no field can have'],
    [
      'an enum without zero',
      '  enum A {\n    A_ON = 1;\n  }',
      'the first value of enum shop.user.v1.GetUserRequest.A has to be 0',
    ],
    [
      'a message twice',
      '  message A {}\n  message B {}\n  message A {\n    string a = 2;\n  }',
      'user.proto, line 12: message A is declared twice, first on line 10; make one of both by hand',
    ],
    [
      'an enum twice',
      '  enum A {\n    A_NO = 0;\n  }\n  enum A {\n    A_NO = 0;\n  }',
      'line 13: enum A is declared twice, first on line 10',
    ],
    ['a message and an enum', '  message A {}\n  enum A {}', 'line 11: enum A is declared twice, first on line 10'],
    [
      'a oneof twice',
      '  oneof kind {\n    string a = 1;\n  }\n  oneof kind {\n    string b = 2;\n  }',
      'line 13: oneof kind is declared twice, first on line 10',
    ],
    ['a number of an enum twice', '  enum A {\n    A_NO = 0;\n    A_ON = 1;\n    A_OFF = 1;\n  }', 'A_ON and A_OFF of'],
  ])('%s', (_, body, expected) => expect(problemOf(whole(body))).toContain(expected))
})

describe('what would be lost when the file is written anew is told', () => {
  const lost = 'no method leads to it, so that it would be lost'
  test.each([
    ['a message', `${whole('')}message Mine {}`, 'message shop.user.v1.Mine'],
    ['an import', whole('').replace('\nservice', 'import "shop/mine.proto";\nservice'), 'import shop/mine.proto'],
    [
      'a message inside',
      whole('  message Mine {\n    Mine mine = 1;\n  }'),
      'message shop.user.v1.GetUserRequest.Mine',
    ],
    ['an enum', whole('  enum Mine {\n    MINE_NO = 0;\n  }'), 'enum shop.user.v1.GetUserRequest.Mine'],
  ])('%s', (_, text, part) => expect(problemOf(text)).toMatch(`user.proto: ${part}: ${lost}`))

  test('but not an import that is written where it is needed, for its field may be gone', () => {
    expect(problemOf(whole('').replace('\nservice', 'import "google/protobuf/struct.proto";\nservice'))).toBe('')
  })
})

test('a message of the file and a method that stand there twice are told with both lines', () => {
  const rpc = '  rpc GetUser(GetUserRequest) returns (stream GetUserResponse);\n'
  expect(problemOf(`${whole('')}message GetUserRequest {\n  string a = 1;\n}\n`)).toContain(
    'line 14: message GetUserRequest is declared twice, first on line 9',
  )
  expect(problemOf(whole('').replace(rpc, rpc + rpc))).toContain('line 7: method GetUser is declared twice')
  expect(problemOf(`${whole('')}message UserService {}\n`)).toContain('message UserService is declared twice')
})

test('a method with the name of a message does not stand in the way of it', () => {
  const text = `${head}
service UserService {
  rpc GetUser(v1.GetUserRequest) returns (GetUserResponse);
  rpc GetUserRequest(v1.GetUserRequest) returns (GetUserResponse);
}

message GetUserRequest {}

message GetUserResponse {}
`
  const written = text.replaceAll('v1.', '')
  expect(withoutHeader(writeLock(readLock(written, 'user.proto')))).toBe(text)
})
