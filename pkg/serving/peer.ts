import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Peer } from "../base/wire.ts";

/** Read once a connection: asking OpenSSL for a certificate costs more than a whole request. */
const known = new WeakMap<object, Peer>();

/** Who is at the other end of the connection; `connection` is what all its requests share. */
export function peerOf(connection: object, socket: () => Socket): Peer {
  const found = known.get(connection);
  if (found !== undefined) return found;
  const peer = readPeer(socket());
  known.set(connection, peer);
  return peer;
}

function readPeer(socket: Socket): Peer {
  const address = socket.remoteAddress ?? "";
  if (!(socket instanceof TLSSocket)) return { address };
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { address };
  if (!socket.authorized) {
    return { address, rejectedCertificate: String(socket.authorizationError) };
  }
  const { subject } = socket.getPeerCertificate();
  // Node's types know one O; a certificate of several comes as a list.
  const organizations: unknown = subject.O ?? [];
  return {
    address,
    certificate: {
      commonName: lastOf(subject.CN),
      organizations: Array.isArray(organizations)
        ? organizations.map(String)
        : [String(organizations)],
    },
  };
}

const lastOf = (name: unknown): string =>
  Array.isArray(name) ? String(name.at(-1)) : typeof name === "string" ? name : "";
