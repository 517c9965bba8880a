// A service of the chain over gRPC: `connect(Query, "host:port").session({ id: 1n })`.

import { credentials as channels, makeGenericClientConstructor } from "@grpc/grpc-js";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";

const coder = (schema) => ({
  to: (value) => Buffer.from(toBinary(schema, create(schema, value))),
  from: (bytes) => fromBinary(schema, bytes),
});

function definition(service) {
  const methods = {};
  for (const method of service.methods) {
    const request = coder(method.input);
    const response = coder(method.output);
    methods[method.localName] = {
      path: `/${service.typeName}/${method.name}`,
      requestStream: false,
      responseStream: method.methodKind === "server_streaming",
      requestSerialize: request.to,
      requestDeserialize: request.from,
      responseSerialize: response.to,
      responseDeserialize: response.from,
    };
  }
  return methods;
}

/**
 * A client of a generated service. Methods return a promise, or the stream of their answers; `close()`
 * ends the connection. Without `credentials` it is plaintext, as nodes on this machine speak it.
 */
export function connect(service, address, credentials = channels.createInsecure()) {
  const Client = makeGenericClientConstructor(definition(service), service.typeName);
  const client = new Client(address, credentials);
  const calls = { close: () => client.close() };
  for (const method of service.methods) {
    const call = client[method.localName].bind(client);
    calls[method.localName] =
      method.methodKind === "server_streaming"
        ? (request) => call(request)
        : (request) =>
            new Promise((resolve, reject) => {
              call(request, (error, answer) => (error ? reject(error) : resolve(answer)));
            });
  }
  return calls;
}
