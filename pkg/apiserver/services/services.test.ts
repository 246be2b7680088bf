import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { Service } from "../../../api/core/v1.ts";
import { seededRandom } from "../../base/random.ts";
import { systemClock } from "../../base/system-clock.ts";
import { isReason } from "../../machinery/status-error.ts";
import { MemoryStorage } from "../../storage/memory.ts";
import type { Objects } from "../objects-contract.ts";
import type { WriteContext } from "../store/write-context.ts";
import { AddressClaims } from "./address-claims.ts";
import { addressAt, dynamicFrom, offsetOf, parseIpRange } from "./ip-range.ts";
import { bitmapOfPorts, parsePortRange, portsFromBitmap } from "./port-bitmap.ts";
import { PortClaims } from "./port-claims.ts";
import { repair } from "./repair.ts";
import { type Pools, serviceAllocator } from "./service-allocator.ts";

describe("an address range", () => {
  it("gives addresses by offset, and offsets by address", () => {
    const range = parseIpRange("10.96.0.0/16");
    assert.equal(addressAt(range, 1), "10.96.0.1");
    assert.equal(addressAt(range, 257), "10.96.1.1");
    assert.equal(offsetOf(range, "10.96.1.1"), 257);
    for (const outside of ["10.96.0.0", "10.96.255.255", "10.97.0.1", "x", "10.96.0.256"]) {
      assert.equal(offsetOf(range, outside), undefined, outside);
    }
    assert.equal(dynamicFrom(range), 256);
    assert.equal(dynamicFrom(parseIpRange("10.0.0.0/28")), 1);
  });
  for (const wrong of ["10.96.0.0", "10.96.0.0/31", "fd00::/64", "10.96/16"]) {
    it(`refuses ${wrong}`, () => assert.throws(() => parseIpRange(wrong), /IPv4 network/));
  }
});

describe("the bitmap of node ports", () => {
  const range = parsePortRange("30000-32767");
  it("keeps what is written into it", () => {
    const ports = [30_000, 30_007, 30_008, 32_767];
    assert.deepEqual([...portsFromBitmap(bitmapOfPorts(ports, range), range)], ports);
  });
  it("is read where upstream left out leading zeros", () => {
    assert.deepEqual([...portsFromBitmap(Uint8Array.of(0x01, 0x02), range)], [30_001, 30_008]);
  });
});

const context = { dryRun: false } as WriteContext;

function pools(cidr: string, ports: string): Pools {
  const storage = new MemoryStorage(systemClock);
  const random = seededRandom(7);
  return {
    addresses: new AddressClaims(parseIpRange(cidr), { storage, clock: systemClock, random }),
    ports: new PortClaims(parsePortRange(ports), storage, random),
  };
}

const service = (spec: Service["spec"]): Service => ({
  metadata: { name: "s", namespace: "default" },
  ...(spec === undefined ? {} : { spec }),
});
const nodePort = { type: "NodePort", ports: [{ port: 80 }, { port: 81, nodePort: 30_001 }] };

describe("the allocator of Services", () => {
  it("gives an address and ports, and takes them back when the write failed", async () => {
    const own = pools("10.0.0.0/29", "30000-30002");
    const allocator = serviceAllocator(own);
    const first = await allocator.allocate(service(nodePort), undefined, context);
    const { spec } = first.object as Service;
    assert.deepEqual(spec?.clusterIPs, [spec?.clusterIP]);
    assert.equal(spec?.ipFamilyPolicy, "SingleStack");
    assert.equal(spec?.ports?.length, 2);
    await assert.rejects(
      async () => allocator.allocate(service(nodePort), undefined, context),
      (error) => isReason(error, "Invalid") && /already allocated/.test(error.message),
    );
    assert.deepEqual(await own.addresses.taken(), [spec?.clusterIP]);
    await first.undo();
    assert.deepEqual(await own.addresses.taken(), []);
    await allocator.allocate(service(nodePort), undefined, context);
  });

  it("finds the last free address, and says when there is none", async () => {
    const allocator = serviceAllocator(pools("10.0.0.0/29", "30000-30010"));
    const given = new Set<string>();
    for (let count = 0; count < 6; count++) {
      const { object } = await allocator.allocate(service({}), undefined, context);
      given.add((object as Service).spec?.clusterIP ?? "");
    }
    assert.equal(given.size, 6);
    await assert.rejects(
      async () => allocator.allocate(service({}), undefined, context),
      (error) => isReason(error, "InternalError") && /range is full/.test(error.message),
    );
  });

  it("frees what an update drops", async () => {
    const own = pools("10.0.0.0/24", "30000-30010");
    const allocator = serviceAllocator(own);
    const { object } = await allocator.allocate(service(nodePort), undefined, context);
    const external = service({ type: "ExternalName", externalName: "example.com" });
    const allocation = await allocator.allocate(external, object, context);
    await allocation.commit();
    assert.deepEqual(await own.addresses.taken(), []);
  });

  it("gives headless Services no address", async () => {
    const own = pools("10.0.0.0/24", "30000-30010");
    await serviceAllocator(own).allocate(service({ clusterIP: "None" }), undefined, context);
    assert.deepEqual(await own.addresses.taken(), []);
  });
});

describe("repair", () => {
  it("claims what Services hold, and frees what none holds at two looks", async () => {
    const own = pools("10.0.0.0/24", "30000-30010");
    await own.addresses.claim("10.0.0.99", { namespace: "default", name: "gone" });
    await own.ports.change((taken) => taken.add(30_009));
    const held = service({ clusterIP: "10.0.0.5", ports: [{ port: 80, nodePort: 30_002 }] });
    const objects = { list: () => [held] } as unknown as Objects;
    const none = { addresses: new Set<string>(), ports: new Set<number>() };
    const suspects = await repair({ pools: own, objects }, none);
    assert.deepEqual(await own.addresses.taken(), ["10.0.0.5", "10.0.0.99"]);
    await repair({ pools: own, objects }, suspects);
    assert.deepEqual(await own.addresses.taken(), ["10.0.0.5"]);
    assert.deepEqual(await own.ports.change((taken) => [...taken]), [30_002]);
  });
});
