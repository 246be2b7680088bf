/**
 * Calls `work` so many times, in batches of 1, 2, 4 …: what fails for one fails for all (a quota, a
 * broken template), and then only the few of one batch were tried. Rejects with the first failure
 * of the batch that had any, after all of that batch ended.
 */
export async function slowStart(count: number, work: () => Promise<void>): Promise<void> {
  let left = count;
  for (let batch = 1; left > 0; batch *= 2) {
    const size = Math.min(batch, left);
    const results = await Promise.allSettled(Array.from({ length: size }, work));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    left -= size;
  }
}
