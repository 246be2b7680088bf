/**
 * The order of a merged list. Items that the patch names stand in the patch's order, the others in
 * the server's; where the server knows two items, its order decides which comes first.
 */
export function inListOrder<T>(
  keyOf: (item: T) => string,
  items: readonly T[],
  patch: readonly T[],
  server: readonly T[],
): readonly T[] {
  const positions = (list: readonly T[]): ReadonlyMap<string, number> =>
    new Map(list.map((item, index) => [keyOf(item), index]));
  const [inPatch, inServer] = [positions(patch), positions(server)];
  const rank = (order: ReadonlyMap<string, number>, item: T): number =>
    order.get(keyOf(item)) ?? Number.MAX_SAFE_INTEGER;
  const sorted = (list: readonly T[], order: ReadonlyMap<string, number>): readonly T[] =>
    list.toSorted((a, b) => rank(order, a) - rank(order, b));
  const isNamed = (item: T): boolean => inPatch.has(keyOf(item));
  const others = sorted(
    items.filter((item) => !isNamed(item)),
    inServer,
  );
  return weave(others, sorted(items.filter(isNamed), inPatch), (item) => inServer.get(keyOf(item)));
}

/** Two sorted lists as one: of two heads the left goes first only if the server says so. */
function weave<T>(
  left: readonly T[],
  right: readonly T[],
  positionOf: (item: T) => number | undefined,
): readonly T[] {
  const result: T[] = [];
  let next = 0;
  for (const item of right) {
    const limit = positionOf(item);
    for (let head = left[next]; head !== undefined; head = left[next]) {
      const position = positionOf(head);
      if (limit === undefined || position === undefined || position >= limit) break;
      result.push(head);
      next += 1;
    }
    result.push(item);
  }
  return [...result, ...left.slice(next)];
}
