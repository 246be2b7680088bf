import { defineConfig } from "vitest/config";

/** Three projects: what needs nothing, what needs one real thing, and the whole journey. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          // No module has a state of its own, and none does anything when it is imported: the
          // files of a worker share them, which takes half the time.
          pool: "threads",
          isolate: false,
          include: [
            "api/**/*.test.ts",
            "pkg/**/*.test.ts",
            "test/**/*.test.ts",
            "hack/**/*.test.ts",
          ],
          exclude: ["**/*.integration.test.ts", "node_modules/**"],
        },
      },
      {
        test: {
          name: "integration",
          include: [
            "pkg/**/*.integration.test.ts",
            "test/**/*.integration.test.ts",
            "cmd/**/*.integration.test.ts",
          ],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
