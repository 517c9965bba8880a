// Amino JSON out of descriptors and their `amino` options, as the chain makes it.
//
// Empty fields are left out unless an option keeps them, 64-bit numbers are text, bytes base64, enums
// numbers, and a packed message is `{"type": its amino name, "value": ...}`. Sorting and escaping is
// CosmJS's part.

import {
  ScalarType,
  create,
  fromBinary,
  fromJson,
  getOption,
  hasOption,
  isFieldSet,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { AnySchema, DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import * as amino from "../gen/amino/amino_pb.js";

const option = (descriptor, extension) =>
  hasOption(descriptor, extension) ? getOption(descriptor, extension) : undefined;

const isLong = (scalar) =>
  [ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64, ScalarType.FIXED64, ScalarType.SFIXED64].includes(scalar);

const isAny = (schema) => schema.typeName === AnySchema.typeName;

/** How a value goes into JSON and comes back. */
function scalarCodec(scalar) {
  if (isLong(scalar)) return { to: String, from: BigInt };
  if (scalar === ScalarType.BYTES) return { to: (bytes) => base64Encode(bytes), from: base64Decode };
  if (scalar === ScalarType.FLOAT || scalar === ScalarType.DOUBLE) throw new Error("a float has no amino JSON");
  return { to: (value) => value, from: (value) => value };
}

/** A time: Go leaves out the zeros that a fraction ends with. */
const timeCodec = {
  to: (time) => toJson(TimestampSchema, time).replace(/\.(\d*?)0*Z$/, (_, digits) => (digits ? `.${digits}Z` : "Z")),
  from: (text) => fromJson(TimestampSchema, text),
};

/** A duration: in nanoseconds, as Go holds it. */
const durationCodec = {
  to: ({ seconds, nanos }) => String(seconds * 1_000_000_000n + BigInt(nanos)),
  from: (text) =>
    create(DurationSchema, {
      seconds: BigInt(text) / 1_000_000_000n,
      nanos: Number(BigInt(text) % 1_000_000_000n),
    }),
};

/** The same for a field; of a list, for each of its values. */
function codec(types, field) {
  if (field.oneof || field.fieldKind === "map") throw new Error(`${field} has no amino JSON`);
  const message = field.message;
  if (message && isAny(message)) {
    return { to: (any) => unpack(types, any), from: (json) => repack(types, json) };
  }
  if (message?.typeName === TimestampSchema.typeName) return timeCodec;
  if (message?.typeName === DurationSchema.typeName) return durationCodec;
  if (message) {
    return { to: (value) => toAmino(types, value), from: (json) => fromAmino(types, message, json) };
  }
  return field.enum ? { to: Number, from: Number } : scalarCodec(field.scalar ?? field.listKind);
}

const nameOf = (field) => option(field, amino.field_name) ?? field.name;

/** What an unset field that has to be there says. */
function empty(field, to) {
  if (field.fieldKind === "list") return option(field, amino.encoding) === "legacy_coins" ? [] : null;
  if (field.fieldKind === "message") throw new Error(`${field} is not set`);
  return field.fieldKind === "enum" ? 0 : to(field.getDefaultValue() ?? zero(field.scalar));
}

function zero(scalar) {
  if (isLong(scalar)) return 0n;
  if (scalar === ScalarType.STRING) return "";
  if (scalar === ScalarType.BOOL) return false;
  return scalar === ScalarType.BYTES ? new Uint8Array() : 0;
}

/** The value of a message in amino JSON, before it is sorted and written. */
export function toAmino(types, message) {
  const schema = types.getMessage(message.$typeName);
  const json = {};
  for (const field of schema.fields) {
    const { to } = codec(types, field);
    const value = message[field.localName];
    if (isFieldSet(message, field)) {
      json[nameOf(field)] = field.fieldKind === "list" ? value.map(to) : to(value);
    } else if (option(field, amino.dont_omitempty)) {
      json[nameOf(field)] = empty(field, to);
    }
  }
  return json;
}

/** The message of a value in amino JSON. */
export function fromAmino(types, schema, json) {
  const message = create(schema);
  for (const field of schema.fields) {
    const value = json[nameOf(field)];
    if (value === undefined || value === null) continue;
    const { from } = codec(types, field);
    message[field.localName] = field.fieldKind === "list" ? value.map(from) : from(value);
  }
  return message;
}

function unpack(types, any) {
  const name = any.typeUrl.replace(/^\//, "");
  const schema = types.getMessage(name);
  if (!schema) throw new Error(`${any.typeUrl} is no message of this chain`);
  const value = toAmino(types, fromBinary(schema, any.value));
  return { type: option(schema, amino.name) ?? any.typeUrl, value };
}

function repack(types, { type, value }) {
  for (const schema of types) {
    if (schema.kind === "message" && (option(schema, amino.name) ?? `/${schema.typeName}`) === type) {
      const packed = toBinary(schema, fromAmino(types, schema, value));
      return create(AnySchema, { typeUrl: `/${schema.typeName}`, value: packed });
    }
  }
  throw new Error(`${type} is no message of this chain`);
}
