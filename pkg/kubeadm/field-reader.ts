import type { Fields } from "./strict-fields.ts";

/**
 * Reads typed fields at paths like "networking.podSubnet", and says where one is of another type.
 * What is absent, null or "" is undefined.
 */
export class FieldReader {
  readonly #fields: Fields;
  readonly #where: string;

  constructor(fields: Fields | undefined, where: string) {
    this.#fields = fields ?? {};
    this.#where = where;
  }

  #at(path: string): unknown {
    return path
      .split(".")
      .reduce<unknown>(
        (value, name) =>
          typeof value === "object" && value !== null ? (value as Fields)[name] : undefined,
        this.#fields,
      );
  }

  #typed<T>(path: string, isRight: (value: unknown) => value is T, type: string): T | undefined {
    const value = this.#at(path);
    if (value === undefined || value === null || value === "") return undefined;
    if (!isRight(value)) throw this.wrong(path, `is not a ${type}`);
    return value;
  }

  /** "init.yaml: ClusterConfiguration: networking.podSubnet is not a string" */
  wrong(path: string, because: string): Error {
    return new Error(`${this.#where}: ${path} ${because}`);
  }

  has(path: string): boolean {
    return this.#at(path) !== undefined;
  }
  text(path: string): string | undefined {
    return this.#typed(path, (value) => typeof value === "string", "string");
  }
  number(path: string): number | undefined {
    return this.#typed(path, (value): value is number => Number.isInteger(value), "whole number");
  }
  flag(path: string): boolean | undefined {
    return this.#typed(path, (value) => typeof value === "boolean", "boolean");
  }
  list(path: string): readonly unknown[] | undefined {
    return this.#typed(path, (value): value is unknown[] => Array.isArray(value), "list");
  }
  texts(path: string): readonly string[] | undefined {
    return this.list(path)?.map(String);
  }
  /** A map of texts and numbers, all as texts. */
  textMap(path: string): Readonly<Record<string, string>> | undefined {
    const isMap = (value: unknown): value is Fields =>
      typeof value === "object" && value !== null && !Array.isArray(value);
    const map = this.#typed(path, isMap, "map");
    return map && Object.fromEntries(Object.entries(map).map(([key, one]) => [key, String(one)]));
  }
}
