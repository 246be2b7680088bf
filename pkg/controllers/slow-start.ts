/**
 * Calls `work` so many times, with 0, 1, 2 …, in batches of 1, 2, 4 …: what fails for one fails
 * for all (a quota, a broken template), and then only the few of one batch were tried. Rejects
 * with the first failure of the batch that had any, after all of that batch ended.
 */
export async function slowStart(
  count: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let done = 0;
  for (let batch = 1; done < count; batch *= 2) {
    const size = Math.min(batch, count - done);
    const first = done;
    const tries = Array.from({ length: size }, (_, at) => work(first + at));
    const results = await Promise.allSettled(tries);
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    done += size;
  }
}
